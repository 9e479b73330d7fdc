"""The answer that hands out an encrypted file, or one range of it (RFC 9110 section 14)."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from messaging.errors import RangeNotSatisfiable
from messaging.models import Attachment
from messaging.store import blocks, failures_refuse

RANGE = re.compile(r"bytes=([0-9]{1,16})?-([0-9]{1,16})?")
HEADERS = {
    "Accept-Ranges": "bytes",
    # Ciphertext, and named by whoever sent it: no browser is to make anything of it.
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class ContentResponse(StreamingHttpResponse):
    """Blocks of the file, read in the request's own thread, whichever handler asks for them."""

    def __init__(self, content: Iterator[bytes], **options: Any) -> None:
        super().__init__(content, content_type="application/octet-stream", **options)

    def begin(self) -> None:
        """Read the first block: of a store that is away, the reader hears before the answer."""
        content: Iterator[bytes] = iter(self)
        with failures_refuse():
            first = next(content)
        self.streaming_content = chain((first,), content)

    def ends_with(self, end: Callable[[], object]) -> None:
        """Call ``end`` when the answer is over, however far it came."""
        self._resource_closers.append(end)  # type: ignore[attr-defined]  # the stubs lack it

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # Django's own way reads a synchronous iterator to its end before it sends anything.
        content = iter(self)
        while (block := await sync_to_async(lambda: next(content, None))()) is not None:
            yield block


def content_of(
    attachment: Attachment, *, wanted: str | None = None, if_range: str | None = None
) -> ContentResponse:
    """Answer with the range that the header asks for; with everything when it asks for none."""
    etag = f'"{attachment.pk}"'
    span = _span(wanted, attachment.size) if if_range in {None, etag} else None
    start, stop = span or (0, attachment.size)
    response = ContentResponse(
        blocks(attachment, start, stop),
        status=206 if span else 200,
        headers={**HEADERS, "ETag": etag, "Content-Length": str(stop - start)},
    )
    if span:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{attachment.size}"
    return response


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """Return start and stop; nothing for what is no single range, which is to be ignored."""
    asked = RANGE.fullmatch(header or "")
    if asked is None or asked.group(0) == "bytes=-":
        return None
    first, last = (None if text is None else int(text) for text in asked.groups())
    if first is None:  # the last so many
        start, stop = max(0, size - (last or 0)), size
    else:
        start, stop = first, size if last is None else min(last + 1, size)
        if last is not None and last < first:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(size=size)
    return start, stop
