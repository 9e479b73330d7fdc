// The login stage "face".

import { beginVerification, declineFace } from "../../api/face.ts";
import { FaceCapture } from "../face/capture.tsx";
import { useAction } from "../parts/action.ts";
import { Trouble } from "../parts/basics.tsx";
import { Gate } from "../parts/gate.tsx";
import { useShell } from "../shell.ts";
import { words } from "../words.ts";
import { StartAgain } from "./start-again.tsx";

export function FacePage() {
  const shell = useShell();
  const action = useAction();
  const decline = () => void action.run(async () => shell.enter(await declineFace()));
  return (
    <Gate title={words.face.verifyTitle} lead={words.face.verifyLead} wide foot={<StartAgain />}>
      <FaceCapture
        begin={beginVerification}
        passedWords={words.face.passed}
        onPassed={(session) => shell.enter(session)}
        anotherWay={{ label: words.face.anotherWay, choose: decline }}
      />
      <Trouble problem={action.problem} />
    </Gate>
  );
}
