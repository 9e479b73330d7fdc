"""What the face refuses; docs/protocol.md lists the codes."""

from securechat_sdk.wire.errors import (
    Conflict,
    Forbidden,
    Gone,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)


class FaceDisabled(Unavailable):
    code = "face_disabled"
    title = "Logging in with a face is switched off here."


class FaceBusy(Unavailable):
    code = "face_busy"
    title = "Many people log in with their faces at this moment; wait, or use your other factor."


class FaceNotEnrolled(Conflict):
    code = "face_not_enrolled"
    title = "No face is enrolled for this account."


class FaceLocked(TooManyRequests):
    code = "face_locked"
    title = "Too many tries; wait, or use your other second factor."


class ConsentOutdated(Conflict):
    code = "consent_outdated"
    title = "The text of the consent has changed; read it again."


class WrongPassword(Forbidden):
    code = "wrong_password"
    title = "The password is not right."


class CaptureUsed(Conflict):
    code = "capture_used"
    title = "A capture is used once; start a new one."


class CaptureNotPassed(Conflict):
    code = "capture_not_passed"
    title = "This capture has not passed."


class CaptureExpired(Gone):
    code = "capture_expired"
    title = "This capture has expired; start a new one."


class BadCapture(Unprocessable):
    code = "bad_capture"
    title = "These frames are not a capture."


class TooManyPreviews(TooManyRequests):
    code = "too_many_previews"
    title = "Too many frames in too short a time."


class NoAlternative(Conflict):
    code = "no_alternative"
    title = "No other second factor is enrolled."
