"""Files come down in ranges, and a browser makes nothing of them."""

from pathlib import Path
from uuid import UUID

import pytest

from messaging.transfers import DOWNLOADS
from tests.messaging.files.scripts import CONTENT, PART, SIZE, Files, code_of, content_of
from tests.messaging.people import Member


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        (f"bytes={PART - 1}-{PART}", PART - 1, PART + 1),
        (f"bytes={PART}-{SIZE}", PART, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE + 5}", 0, SIZE),
        (f"bytes=5-{10**15}", 5, SIZE),
    ],
)
def test_a_range_is_cut_out(
    bob: Member, attachment_id: UUID, asked: str, start: int, stop: int
) -> None:
    answer = Files(bob).read(attachment_id, Range=asked)

    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer["Content-Length"] == str(stop - start)
    assert content_of(answer) == CONTENT[start:stop]


@pytest.mark.parametrize(
    "asked", ["bytes=5-3", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes= 0-1", ""]
)
def test_what_is_no_single_range_is_ignored(bob: Member, attachment_id: UUID, asked: str) -> None:
    answer = Files(bob).read(attachment_id, Range=asked)

    assert answer.status_code == 200
    assert content_of(answer) == CONTENT


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 1}", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(
    bob: Member, attachment_id: UUID, asked: str
) -> None:
    answer = Files(bob).read(attachment_id, Range=asked)

    assert code_of(answer) == (416, "range_not_satisfiable")
    assert answer["Content-Range"] == f"bytes */{SIZE}"


def test_a_range_of_another_file_is_not_taken_for_this_one(
    bob: Member, attachment_id: UUID
) -> None:
    etag = Files(bob).read(attachment_id)["ETag"]

    same = Files(bob).read(attachment_id, Range="bytes=0-9", If_Range=etag)
    other = Files(bob).read(attachment_id, Range="bytes=0-9", If_Range='"other"')

    assert (same.status_code, other.status_code) == (206, 200)


def test_a_browser_makes_nothing_of_a_file(bob: Member, attachment_id: UUID) -> None:
    answer = Files(bob).read(attachment_id)

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == "attachment"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"


def test_of_a_store_that_fails_a_reader_hears_before_the_answer(
    bob: Member, attachment_id: UUID, own_store: Path
) -> None:
    elsewhere = own_store.rename(own_store.with_name("elsewhere"))

    refused = [Files(bob).read(attachment_id) for _ in range(DOWNLOADS.most_for_one + 1)]
    elsewhere.rename(own_store)

    assert {code_of(answer) for answer in refused} == {(503, "unavailable")}
    assert content_of(Files(bob).read(attachment_id)) == CONTENT


def test_only_so_many_downloads_are_on_their_way(bob: Member, attachment_id: UUID) -> None:
    files = Files(bob)
    open_ = [files.read(attachment_id) for _ in range(DOWNLOADS.most_for_one)]

    refused = files.read(attachment_id)
    for answer in open_:
        assert content_of(answer) == CONTENT

    assert code_of(refused) == (429, "too_many_transfers")
    assert content_of(files.read(attachment_id)) == CONTENT
