// One capture from the first look through the camera to the verdict. Pages only draw its signals.

import { batch, computed, signal } from "@preact/signals";

import { captureOf, completeCapture, lookAt, sendFrames } from "../../api/face.ts";
import type { Capture, Frame, Step } from "../../api/face.ts";
import type { Session } from "../../api/session.ts";
import { codeOf, retryAfter } from "../problems.ts";
import { CameraError, closeCamera, glance, nextPicture, openCamera, takePicture } from "./camera.ts";
import type { CameraTrouble } from "./camera.ts";
import { Follower, keep, lastOf, liveliest, type Followed } from "./follow.ts";
import { FRAME_EVERY_MS, framesOf, lightOf, motion, type Light } from "./plan.ts";

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

const COUNTED_DOWN_FROM = 3;
const COUNT_MS = 700;
const LIGHT_EVERY_MS = 500;
const POLL_EVERY_MS = 400;
const LONGEST_WITHOUT_PICTURE_MS = 250;
const MOST_BYTES_A_FRAME = 45_000;
const FORM_OVERHEAD = 300; // bytes of a multipart header, generously

/** Has one picture after the other looked at; a slow or missing answer keeps nobody waiting. */
class Guide {
  /** Between which pictures the step was followed. */
  followed: Followed | null = null;
  private isWaiting = false;
  private round = 0;

  constructor(
    private readonly capture: Capture,
    private readonly follower: Follower,
  ) {}

  beginStep(): void {
    this.followed = null;
    this.round += 1;
  }

  show(picture: Blob, place: number): void {
    if (this.isWaiting || this.followed !== null) return;
    this.isWaiting = true;
    void this.ask(picture, place, this.round, performance.now());
  }

  private async ask(picture: Blob, place: number, round: number, at: number): Promise<void> {
    try {
      const look = await lookAt(this.capture, picture);
      if (round !== this.round) return;
      this.followed = this.follower.see(look, place, at, performance.now());
    } catch {
      // Guidance is a help; the recording goes on without it, and the verdict comes later.
    } finally {
      this.isWaiting = false;
    }
  }
}

export class FaceRun {
  readonly phase = signal<Phase>("asking");
  readonly cameraTrouble = signal<CameraTrouble | null>(null);
  readonly light = signal<Light>("fine");
  readonly steps = signal<readonly Step[]>([]);
  readonly step = signal(0);
  /** Counts down to the first step. */
  readonly startsIn = signal(0);
  /** What keeps the picture just seen from being of use. */
  readonly hint = signal<string | null>(null);
  /** Of the recording, then of the server's job: 0 to 1. */
  readonly progress = signal(0);
  readonly reasons = signal<readonly string[]>([]);
  readonly problem = signal<unknown>(null);
  readonly lockedFor = signal(0);
  /** It is not this person's tries that one has to wait for, but others. */
  readonly isCrowded = signal(false);
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
      this.startsIn.value = 0;
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
    await this.countToStart();
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

  private async countToStart(): Promise<void> {
    for (let left = COUNTED_DOWN_FROM; left > 0; left -= 1) {
      this.startsIn.value = left;
      await this.wait(COUNT_MS);
    }
    this.startsIn.value = 0;
  }

  /** Shows each step until the worker has seen it followed, and keeps some pictures of each. */
  private async record(video: HTMLVideoElement, capture: Capture): Promise<Frame[]> {
    const steps = capture.challenge.length;
    const counts = framesOf(capture.challenge, { min: capture.min_frames, max: capture.max_frames });
    const mostBytes = Math.floor(capture.max_bytes / capture.max_frames) - FORM_OVERHEAD;
    const follower = new Follower(capture.challenge, performance.now());
    const guide = new Guide(capture, follower);
    const frames: Frame[] = [];
    this.phase.value = "recording";
    while (!follower.isOver) {
      this.step.value = follower.step;
      const count = counts[follower.step] ?? 0;
      const pictures = await this.recordStep(video, follower, guide, count, mostBytes);
      for (const picture of pictures) frames.push({ step: this.step.value, picture });
      this.progress.value = (this.step.value + 1) / steps;
    }
    this.hint.value = null;
    return frames;
  }

  private async recordStep(
    video: HTMLVideoElement,
    follower: Follower,
    guide: Guide,
    count: number,
    mostBytes: number,
  ): Promise<readonly Blob[]> {
    const pictures: Blob[] = [];
    const motions: number[] = [];
    let seen = glance(video, this.sample);
    guide.beginStep();
    for (;;) {
      const next = performance.now() + FRAME_EVERY_MS;
      const picture = await takePicture(video, this.canvas, Math.min(mostBytes, MOST_BYTES_A_FRAME));
      pictures.push(picture);
      const now = glance(video, this.sample);
      motions.push(motion(seen, now));
      seen = now;
      guide.show(picture, pictures.length - 1);
      await this.wait(next - performance.now());
      await nextPicture(video, LONGEST_WITHOUT_PICTURE_MS);
      this.hint.value = follower.hint;
      const isDone = guide.followed !== null || follower.isTired(performance.now());
      if (pictures.length < count || !isDone) continue;
      const unseen = follower.asksForTurn ? liveliest(motions, count) : lastOf(pictures);
      follower.goOn(performance.now());
      return keep(pictures, count, guide.followed ?? unseen);
    }
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
    const code = codeOf(error);
    const seconds = code === "face_locked" || code === "face_busy" ? retryAfter(error) : null;
    this.isCrowded.value = code === "face_busy";
    if (seconds !== null) void this.countDown(seconds);
  }

  private async countDown(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end && !this.stopped.signal.aborted) {
      this.lockedFor.value = Math.ceil((end - performance.now()) / 1000);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    batch(() => {
      this.lockedFor.value = 0;
      if (this.phase.value === "refused") this.phase.value = "ready";
    });
  }

  private loseCamera(trouble: CameraTrouble): void {
    this.release();
    batch(() => {
      this.cameraTrouble.value = trouble;
      this.phase.value = "no_camera";
    });
  }

  private look(): void {
    if (this.video !== null) this.light.value = lightOf(glance(this.video, this.sample));
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
