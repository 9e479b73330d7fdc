"""One preview, from its frame to what was seen: what the worker does."""

from uuid import UUID

from facelogin.decoder import SharedDecoder
from facelogin.detection import UnusableFrameError, find_face
from facelogin.jpeg import BadJpegError
from facelogin.lifecycle import Reason
from facelogin.models import Preview
from facelogin.sealing import CannotOpenError
from facelogin.services.previews import Look, answer_preview, open_preview

_decoder = SharedDecoder()


def get_ready() -> None:
    _decoder.get_ready()


def look_at_preview(preview_id: UUID, salt: bytes) -> None:
    """Look at a frame that somebody still waits for."""
    preview = Preview.objects.filter(pk=preview_id, answer__isnull=True).first()
    if preview is None:
        return
    try:
        look = see(open_preview(preview, salt))
    except CannotOpenError:
        look = Look(Reason.FAILED, None)
    answer_preview(preview_id, look)


def see(frame: bytes) -> Look:
    """The turn to two digits: enough to guide, and no number of the face itself."""
    try:
        return Look(None, round(find_face(_decoder.decode(frame)).turn, 2))
    except UnusableFrameError as unusable:
        return Look(unusable.reason, None)
    except BadJpegError:
        return Look(Reason.BAD_FRAME, None)
