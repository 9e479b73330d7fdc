// Captures of a face: made, sent, watched and used once.

import { http } from "./http.ts";
import type { Session } from "./session.ts";

export type Step = "straight" | "left" | "right" | "up" | "down";
export type CaptureState = "open" | "queued" | "running" | "passed" | "refused" | "expired";

export interface Capture {
  id: string;
  purpose: "enrolment" | "verification";
  nonce: string;
  challenge: Step[];
  min_frames: number;
  max_frames: number;
  max_bytes: number;
  expires_at: string;
  state: CaptureState;
  progress: number;
  reasons: string[];
}

export interface FaceFacts {
  enabled: boolean;
  enrolled: boolean;
  enrolled_at: string | null;
  expires_at: string | null;
  consent: { version: string | number; text: string };
  alerts: FaceAlert[];
}

/** Something that happened to the face and that its owner has not seen. */
export interface FaceAlert {
  kind: "refused" | "erased" | "expired";
  count: number;
  latest_at: string;
}

/** A picture, and the index of the step that was shown when it was taken. */
export interface Frame {
  step: number;
  picture: Blob;
}

const UPLOAD_TIMEOUT = 45_000;

export function faceFacts(): Promise<FaceFacts> {
  return http.get("/api/v1/face");
}

export function dismissAlerts(): Promise<void> {
  return http.delete("/api/v1/face/alerts");
}

export function beginEnrolment(
  consentVersion: FaceFacts["consent"]["version"],
  password: string,
): Promise<Capture> {
  return http.post("/api/v1/face/enrolments", { consent_version: consentVersion, password });
}

export function beginVerification(): Promise<Capture> {
  return http.post("/api/v1/face/verifications", {});
}

export function sendFrames(capture: Capture, frames: readonly Frame[]): Promise<Capture> {
  const form = new FormData();
  form.append("nonce", capture.nonce);
  form.append("steps", JSON.stringify(frames.map((frame) => frame.step)));
  frames.forEach((frame, index) => form.append("frames", frame.picture, `${index}.jpg`));
  return http.put(`/api/v1/face/captures/${capture.id}/frames`, form, { timeout: UPLOAD_TIMEOUT });
}

/** What the face worker sees in one picture: why it is of no use, or how far the head is turned. */
export interface Look {
  looked: boolean;
  hint: string | null;
  turn: number | null;
}

const LOOK_TIMEOUT = 3_000;

export function lookAt(capture: Capture, picture: Blob): Promise<Look> {
  const form = new FormData();
  form.append("nonce", capture.nonce);
  form.append("frame", picture, "frame.jpg");
  return http.post(`/api/v1/face/captures/${capture.id}/preview`, form, { timeout: LOOK_TIMEOUT });
}

export function captureOf(id: string): Promise<Capture> {
  return http.get(`/api/v1/face/captures/${id}`);
}

export function completeCapture(id: string): Promise<Session> {
  return http.post(`/api/v1/face/captures/${id}/completion`, {});
}

export function declineFace(): Promise<Session> {
  return http.post("/api/v1/face/decline", {});
}

export function withdrawFace(): Promise<Session> {
  return http.delete("/api/v1/face");
}
