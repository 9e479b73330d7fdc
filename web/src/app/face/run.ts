// One capture from the first look through the camera to the verdict. Pages only draw its signals.

import { batch, computed, signal } from "@preact/signals";

import { captureOf, completeCapture, sendFrames } from "../../api/face.ts";
import type { Capture, Frame, Step } from "../../api/face.ts";
import type { Session } from "../../api/session.ts";
import { codeOf, retryAfter } from "../problems.ts";
import { CameraError, closeCamera, lightIn, openCamera, takePicture } from "./camera.ts";
import type { CameraTrouble } from "./camera.ts";
import { planFor, type Light } from "./plan.ts";

export type Phase =
  | "asking"
  | "no_camera"
  | "ready"
  | "get_ready"
  | "recording"
  | "sending"
  | "checking"
  | "passed"
  | "refused";

const GET_READY_MS = 1_500;
const LIGHT_EVERY_MS = 500;
const POLL_EVERY_MS = 400;
const MOST_BYTES_A_FRAME = 45_000;
const FORM_OVERHEAD = 300; // bytes of a multipart header, generously

export class FaceRun {
  readonly phase = signal<Phase>("asking");
  readonly cameraTrouble = signal<CameraTrouble | null>(null);
  readonly light = signal<Light>("fine");
  readonly steps = signal<readonly Step[]>([]);
  readonly step = signal(0);
  /** Of the recording, then of the server's job: 0 to 1. */
  readonly progress = signal(0);
  readonly reasons = signal<readonly string[]>([]);
  readonly problem = signal<unknown>(null);
  readonly lockedFor = signal(0);
  readonly isBusy = computed(() => !["no_camera", "ready", "refused"].includes(this.phase.value));

  private video: HTMLVideoElement | null = null;
  private stream: MediaStream | null = null;
  private readonly canvas = document.createElement("canvas");
  private readonly sample = document.createElement("canvas");
  private readonly stopped = new AbortController();
  private lightTimer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly begin: () => Promise<Capture>,
    private readonly onPassed: (session: Session) => void,
  ) {}

  async open(video: HTMLVideoElement): Promise<void> {
    this.video = video;
    this.phase.value = "asking";
    try {
      const stream = await openCamera();
      if (this.stopped.signal.aborted) return closeCamera(stream);
      this.stream = stream;
      stream.getVideoTracks()[0]?.addEventListener("ended", () => this.loseCamera("ended"));
      video.srcObject = stream;
      await video.play();
      this.phase.value = "ready";
      this.lightTimer = setInterval(() => this.look(), LIGHT_EVERY_MS);
    } catch (error) {
      if (this.stopped.signal.aborted) return;
      this.loseCamera(error instanceof CameraError ? error.trouble : "failed");
    }
  }

  close(): void {
    this.stopped.abort();
    this.release();
  }

  async start(): Promise<void> {
    if (this.video === null || this.isBusy.value || this.lockedFor.value > 0) return;
    batch(() => {
      this.phase.value = "get_ready";
      this.problem.value = null;
      this.reasons.value = [];
      this.progress.value = 0;
    });
    try {
      await this.capture(this.video);
    } catch (error) {
      if (!this.stopped.signal.aborted) this.fail(error);
    }
  }

  private async capture(video: HTMLVideoElement): Promise<void> {
    const capture = await this.begin();
    this.steps.value = capture.challenge;
    await this.wait(GET_READY_MS);
    const frames = await this.record(video, capture);
    this.phase.value = "sending";
    await sendFrames(capture, frames);
    const verdict = await this.verdictOn(capture);
    if (verdict.state !== "passed") {
      batch(() => {
        this.reasons.value = verdict.state === "expired" ? ["time_out"] : verdict.reasons;
        this.phase.value = "refused";
      });
      return;
    }
    const session = await completeCapture(capture.id);
    this.phase.value = "passed";
    this.release();
    this.onPassed(session);
  }

  private async record(video: HTMLVideoElement, capture: Capture): Promise<Frame[]> {
    const plan = planFor(capture.challenge.length, {
      min: capture.min_frames,
      max: capture.max_frames,
    });
    const count = plan.shots.length;
    const fair = Math.floor(capture.max_bytes / count) - FORM_OVERHEAD;
    const frames: Frame[] = [];
    const start = performance.now();
    this.phase.value = "recording";
    for (const [index, shot] of plan.shots.entries()) {
      await this.wait(start + shot.step * plan.stepMs - performance.now());
      this.step.value = shot.step;
      await this.wait(start + shot.at - performance.now());
      const picture = await takePicture(video, this.canvas, Math.min(fair, MOST_BYTES_A_FRAME));
      frames.push({ step: shot.step, picture });
      this.progress.value = (index + 1) / count;
    }
    return frames;
  }

  private async verdictOn(capture: Capture): Promise<Capture> {
    batch(() => {
      this.phase.value = "checking";
      this.progress.value = 0;
    });
    for (;;) {
      const now = await captureOf(capture.id);
      this.progress.value = now.progress / 100;
      if (!["open", "queued", "running"].includes(now.state)) return now;
      await this.wait(POLL_EVERY_MS);
    }
  }

  private fail(error: unknown): void {
    if (error instanceof CameraError) return this.loseCamera(error.trouble);
    batch(() => {
      this.problem.value = error;
      this.phase.value = "refused";
    });
    const seconds = codeOf(error) === "face_locked" ? retryAfter(error) : null;
    if (seconds !== null) void this.countDown(seconds);
  }

  private async countDown(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end && !this.stopped.signal.aborted) {
      this.lockedFor.value = Math.ceil((end - performance.now()) / 1000);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    this.lockedFor.value = 0;
  }

  private loseCamera(trouble: CameraTrouble): void {
    this.release();
    batch(() => {
      this.cameraTrouble.value = trouble;
      this.phase.value = "no_camera";
    });
  }

  private look(): void {
    if (this.video !== null) this.light.value = lightIn(this.video, this.sample);
  }

  private release(): void {
    clearInterval(this.lightTimer);
    if (this.stream !== null) closeCamera(this.stream);
    this.stream = null;
  }

  /** Rejects when the page has been left. */
  private wait(milliseconds: number): Promise<void> {
    const { signal: left } = this.stopped;
    return new Promise((resolve, reject) => {
      if (left.aborted) return reject(new Error("left"));
      const leave = () => reject(new Error("left"));
      left.addEventListener("abort", leave, { once: true });
      setTimeout(() => {
        left.removeEventListener("abort", leave);
        resolve();
      }, Math.max(0, milliseconds));
    });
  }
}
