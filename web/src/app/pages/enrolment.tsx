// Enrolling a second factor: the choice, and the two ways.

import { useState } from "preact/hooks";

import { beginEnrolment, type FaceFacts } from "../../api/face.ts";
import type { Session } from "../../api/session.ts";
import { FaceCapture, type AnotherWay } from "../face/capture.tsx";
import { Gate } from "../parts/gate.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { ConsentPage } from "./consent.tsx";
import { StartAgain } from "./start-again.tsx";
import { TotpPage } from "./totp.tsx";

export type Way = "face" | "totp";

export function EnrolmentPage() {
  const shell = useShell();
  const session = shell.session.value;
  const unfinished = shell.unfinished.value;
  const wanted = unfinished?.step === "enrolling" ? unfinished.way : null;
  const [way, setWay] = useState<Way | null>(wanted);
  if (session === null) return null;

  const optional = session.state !== "enrolment";
  const enrolled = (after: Session) => {
    const hadCodes = session.second_factors.recovery_codes;
    if (!hadCodes) shell.unfinished.value = { step: "keeping_codes" };
    shell.enter(after);
    if (hadCodes) shell.finish();
  };
  const cancel = () => shell.finish();
  const back = optional ? cancel : () => setWay(null);

  if (way === "face") {
    const instead = { label: words.consent.instead, choose: () => setWay("totp") };
    return (
      <FaceEnrolment
        onEnrolled={enrolled}
        anotherWay={optional ? { label: words.cancel, choose: cancel } : instead}
        onBack={back}
      />
    );
  }
  if (way === "totp") {
    return (
      <TotpPage
        onEnrolled={enrolled}
        onBack={back}
        onInstead={session.face_enabled && !optional ? () => setWay("face") : null}
      />
    );
  }
  return <Choice faceEnabled={session.face_enabled} onChoose={setWay} />;
}

function Choice({ faceEnabled, onChoose }: { faceEnabled: boolean; onChoose: (way: Way) => void }) {
  return (
    <Gate
      title={words.enrolment.title}
      lead={words.enrolment.lead}
      foot={<StartAgain label={words.logOut} />}
    >
      <div class="choices">
        {faceEnabled && (
          <ChoiceButton
            icon="face"
            title={words.enrolment.face}
            note={words.enrolment.faceNote}
            badge={words.enrolment.recommended}
            testid="enrol-face"
            onClick={() => onChoose("face")}
          />
        )}
        <ChoiceButton
          icon="phone"
          title={words.enrolment.totp}
          note={words.enrolment.totpNote}
          testid="enrol-totp"
          onClick={() => onChoose("totp")}
        />
      </div>
      {!faceEnabled && <p class="hint">{words.enrolment.faceUnavailable}</p>}
    </Gate>
  );
}

interface ChoiceProps {
  icon: IconName;
  title: string;
  note: string;
  badge?: string;
  testid: string;
  onClick: () => void;
}

function ChoiceButton({ icon, title, note, badge, testid, onClick }: ChoiceProps) {
  return (
    <button type="button" class="choice" data-testid={testid} onClick={onClick}>
      <Icon name={icon} />
      <span class="choice-words">
        <strong>
          {title}
          {badge !== undefined && <span class="badge">{badge}</span>}
        </strong>
        <span>{note}</span>
      </span>
      <Icon name="arrowRight" />
    </button>
  );
}

interface FaceEnrolmentProps {
  onEnrolled: (session: Session) => void;
  anotherWay: AnotherWay;
  onBack: () => void;
}

function FaceEnrolment({ onEnrolled, anotherWay, onBack }: FaceEnrolmentProps) {
  const [agreed, setAgreed] = useState<{ version: FaceFacts["consent"]["version"]; password: string } | null>(
    null,
  );
  if (agreed === null) {
    return (
      <ConsentPage
        onAgree={(version, password) => setAgreed({ version, password })}
        anotherWay={anotherWay}
        onBack={onBack}
      />
    );
  }
  return (
    <Gate title={words.face.enrolTitle} lead={words.face.enrolLead} wide>
      <FaceCapture
        begin={() => beginEnrolment(agreed.version, agreed.password)}
        passedWords={words.face.enrolled}
        onPassed={onEnrolled}
        onOutdated={() => setAgreed(null)}
        anotherWay={anotherWay}
      />
    </Gate>
  );
}
