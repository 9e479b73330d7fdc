// The camera: opened, looked through, and closed again.

import { cutFor } from "./plan.ts";

export type CameraTrouble = "denied" | "missing" | "busy" | "insecure" | "failed" | "ended";

export class CameraError extends Error {
  constructor(readonly trouble: CameraTrouble) {
    super(trouble);
  }
}

const TROUBLE_OF: Readonly<Record<string, CameraTrouble>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

export async function openCamera(): Promise<MediaStream> {
  // The types say it is always there; outside of secure contexts it is not.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new CameraError("insecure");
  try {
    return await devices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } },
    });
  } catch (error) {
    throw new CameraError(TROUBLE_OF[(error as Error).name] ?? "failed");
  }
}

export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** Without being told, pictures this far apart are different ones of a camera with ten a second. */
const SURELY_ANOTHER_MS = 100;

/** Resolves when the camera has another picture, or after a while without one. */
export function nextPicture(video: HTMLVideoElement, patience: number): Promise<void> {
  return new Promise((resolve) => {
    // The types say it is always there; older browsers go by the clock.
    const ask = video.requestVideoFrameCallback as typeof video.requestVideoFrameCallback | undefined;
    const timer = setTimeout(resolve, ask === undefined ? SURELY_ANOTHER_MS : patience);
    ask?.call(video, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const QUALITIES = [0.8, 0.65, 0.5, 0.35];

/** What the video shows at this moment as a JPEG, not mirrored, of at most so many bytes. */
export async function takePicture(
  video: HTMLVideoElement,
  canvas: HTMLCanvasElement,
  mostBytes: number,
): Promise<Blob> {
  draw(video, canvas);
  for (const quality of QUALITIES) {
    const picture = await jpegOf(canvas, quality);
    if (picture.size <= mostBytes) return picture;
  }
  throw new CameraError("failed");
}

function draw(video: HTMLVideoElement, canvas: HTMLCanvasElement): void {
  if (video.videoWidth === 0) throw new CameraError("ended");
  const cut = cutFor(video.videoWidth, video.videoHeight);
  canvas.width = cut.outWidth;
  canvas.height = cut.outHeight;
  const context = contextOf(canvas);
  context.drawImage(video, cut.x, cut.y, cut.width, cut.height, 0, 0, cut.outWidth, cut.outHeight);
}

function jpegOf(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const done = (blob: Blob | null) =>
      blob === null ? reject(new CameraError("failed")) : resolve(blob);
    canvas.toBlob(done, "image/jpeg", quality);
  });
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new CameraError("failed");
  return context;
}

const SAMPLE_WIDTH = 32;
const SAMPLE_HEIGHT = 24;

/** The middle of the picture, where the face should be, very small. */
export function glance(video: HTMLVideoElement, canvas: HTMLCanvasElement): Uint8ClampedArray {
  const { videoWidth: width, videoHeight: height } = video;
  if (width === 0) return new Uint8ClampedArray();
  canvas.width = SAMPLE_WIDTH;
  canvas.height = SAMPLE_HEIGHT;
  const context = contextOf(canvas);
  const middle = [width / 4, height / 8, width / 2, (height * 3) / 4] as const;
  context.drawImage(video, ...middle, 0, 0, SAMPLE_WIDTH, SAMPLE_HEIGHT);
  return context.getImageData(0, 0, SAMPLE_WIDTH, SAMPLE_HEIGHT).data;
}
