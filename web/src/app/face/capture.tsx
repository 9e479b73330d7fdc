// The camera picture with its oval, and words for every step; the work is done by `FaceRun`.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Capture, Step } from "../../api/face.ts";
import type { Session } from "../../api/session.ts";
import { Ring, Spinner } from "../parts/basics.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { codeOf, explained } from "../problems.ts";
import { words } from "../words.ts";
import { FaceRun } from "./run.ts";

/** The way around the camera, always there. */
export interface AnotherWay {
  label: string;
  choose: () => void;
}

interface CaptureProps {
  begin: () => Promise<Capture>;
  onPassed: (session: Session) => void;
  passedWords: string;
  anotherWay: AnotherWay;
  /** The consent text has changed meanwhile. */
  onOutdated?: () => void;
}

export function FaceCapture({ begin, onPassed, passedWords, anotherWay, onOutdated }: CaptureProps) {
  const [run] = useState(() => new FaceRun(begin, onPassed));
  const video = useRef<HTMLVideoElement>(null);
  const open = () => {
    if (video.current !== null) void run.open(video.current);
  };
  useEffect(() => {
    open();
    return () => run.close();
  }, []);

  const problem = run.problem.value;
  useEffect(() => {
    if (codeOf(problem) === "consent_outdated") onOutdated?.();
  }, [problem]);

  return (
    <div class="face">
      <Stage run={run} video={video} />
      <Status run={run} passedWords={passedWords} />
      <div class="actions">
        <button
          type="button"
          class={run.phase.value === "no_camera" ? "button primary" : "button"}
          data-testid="use-other-factor"
          onClick={anotherWay.choose}
        >
          {anotherWay.label}
        </button>
        <StartButton run={run} onReopen={open} />
      </div>
    </div>
  );
}

function StartButton({ run, onReopen }: { run: FaceRun; onReopen: () => void }) {
  const phase = run.phase.value;
  const again = phase === "refused" || phase === "no_camera";
  return (
    <button
      type="button"
      class={phase === "no_camera" ? "button" : "button primary"}
      data-testid="face-start"
      disabled={run.isBusy.value || run.lockedFor.value > 0}
      onClick={() => (phase === "no_camera" ? onReopen() : void run.start())}
    >
      {run.isBusy.value ? <Spinner /> : <Icon name={again ? "refresh" : "camera"} />}
      <span>{again ? words.retry : words.face.start}</span>
    </button>
  );
}

const ARROW_OF: Readonly<Record<Step, IconName>> = {
  straight: "face",
  left: "arrowLeft", // the picture is mirrored: the person's left is on the left
  right: "arrowRight",
  up: "arrowUp",
  down: "arrowDown",
};

function Stage({ run, video }: { run: FaceRun; video: { current: HTMLVideoElement | null } }) {
  const phase = run.phase.value;
  const step = run.steps.value[run.step.value];
  return (
    <div class={`stage ${phase}`} role="img" aria-label={words.face.picture}>
      <video ref={video} muted playsInline />
      <Oval run={run} />
      {phase === "get_ready" && run.startsIn.value > 0 && (
        <span class="countdown" key={run.startsIn.value} aria-hidden="true" data-testid="face-countdown">
          {run.startsIn.value}
        </span>
      )}
      {phase === "recording" && step !== undefined && (
        <span class={`cue ${step}`} key={run.step.value}>
          <Icon name={ARROW_OF[step]} />
        </span>
      )}
      {phase === "no_camera" && <Icon name="camera" class="stage-sign" />}
      {phase === "passed" && <Icon name="check" class="stage-sign good" />}
    </div>
  );
}

function Oval({ run }: { run: FaceRun }) {
  const showsProgress = run.phase.value === "recording" || run.phase.value === "checking";
  const part = showsProgress ? Math.round(run.progress.value * 100) : 0;
  return (
    <svg class="oval" viewBox="0 0 400 300" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <path
        class="oval-shade"
        fill-rule="evenodd"
        d="M-400-300H800V600H-400ZM200 25A95 125 0 0 0 200 275A95 125 0 0 0 200 25Z"
      />
      <ellipse class="oval-line" cx="200" cy="150" rx="95" ry="125" />
      <path
        class="oval-part"
        d="M200 25A95 125 0 0 1 200 275A95 125 0 0 1 200 25"
        pathLength={100}
        stroke-dasharray={`${part} 100`}
      />
    </svg>
  );
}

/** One sentence at a time, read out as it changes. */
function Status({ run, passedWords }: { run: FaceRun; passedWords: string }) {
  const phase = run.phase.value;
  const count = run.steps.value.length;
  return (
    <div class={`face-words ${phase}`}>
      <p
        class="face-status"
        role="status"
        aria-live="assertive"
        data-testid="face-status"
        data-phase={phase}
      >
        {sentence(run, passedWords)}
      </p>
      {phase === "recording" && (
        <p class="hint" data-testid="face-hint">
          {hintWords(run) ?? words.face.stepOf(run.step.value + 1, count)}
        </p>
      )}
      {phase === "no_camera" && <p class="hint">{words.face.withoutCamera}</p>}
      {phase === "checking" && <Ring part={run.progress.value} />}
      {phase === "refused" && <Advice run={run} />}
    </div>
  );
}

function sentence(run: FaceRun, passedWords: string): string {
  const step = run.steps.value[run.step.value];
  const said: Record<FaceRun["phase"]["value"], string> = {
    asking: words.face.asking,
    no_camera: words.camera[run.cameraTrouble.value ?? "failed"],
    ready: readyWords(run),
    get_ready: words.face.getReady,
    recording: step === undefined ? "" : words.face.steps[step],
    sending: words.face.sending,
    checking: run.progress.value === 0 ? words.face.waiting : words.face.checking,
    passed: passedWords,
    refused: refusedWords(run),
  };
  return said[run.phase.value];
}

/** Said beside the step: what keeps the camera from seeing it. */
function hintWords(run: FaceRun): string | null {
  const hint = run.hint.value;
  return hint === null ? null : (words.face.reasons[hint] ?? null);
}

function readyWords(run: FaceRun): string {
  if (run.light.value === "too_dark") return words.face.tooDark;
  return run.light.value === "too_bright" ? words.face.tooBright : words.face.ready;
}

function refusedWords(run: FaceRun): string {
  if (run.lockedFor.value === 0) return words.face.refused;
  return run.isCrowded.value ? words.face.crowded : words.face.locked;
}

function Advice({ run }: { run: FaceRun }) {
  const seconds = run.lockedFor.value;
  const problem = run.problem.value;
  if (seconds > 0) {
    return <p class="alert" data-testid="problem">{words.face.again(seconds)}</p>; // not read out each second
  }
  if (problem !== null) {
    return (
      <p class="alert" role="alert" data-testid="problem">
        {explained(problem)}
      </p>
    );
  }
  const known = run.reasons.value.map((reason) => words.face.reasons[reason] ?? reason);
  const advice = known.length > 0 ? known : [words.face.reasons["failed"]];
  return (
    <div
      class="advice"
      role="alert"
      data-testid="face-reasons"
      data-reasons={run.reasons.value.join(" ")}
    >
      <ul>
        {advice.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
