"""Files in the whole product: a cut network, a reload, and nothing readable on the server."""

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from securechat_sdk.attachments import encrypted_size
from tests.stories.canaries import leaks
from tests.stories.conftest import Launch
from tests.stories.people import PersonAtBrowser, newcomer, violations
from tests.stories.product import Product, dump

pytestmark = pytest.mark.story

MEBIBYTE = 1024 * 1024
CANARY = "The green boat leaves at noon."
NAME = "plans for the canal.bin"


@dataclass
class Line:
    """The way to the server for files: it can be cut, and tells what was sent."""

    is_cut: bool = False
    cut_after: int | None = None
    offsets: list[int] = field(default_factory=list)

    def pass_on(self, route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        self.is_cut = self.is_cut or len(self.offsets) == self.cut_after
        if self.is_cut:
            route.abort("connectionreset")
            return
        self.offsets.append(int(route.request.headers["upload-offset"]))
        route.continue_()

    def mend(self) -> None:
        self.is_cut, self.cut_after = False, None


@dataclass(kw_only=True)
class Cast:
    hal: PersonAtBrowser
    ida: PersonAtBrowser
    line: Line


@pytest.fixture(scope="module")
def cast(product: Product, launch: Launch) -> Cast:
    browser, line = launch(None), Line()
    hal = newcomer(product, browser, "hal", "Hal Weldon")
    ida = newcomer(product, browser, "ida", "Ida Grissom")
    hal.context.route("**/api/v1/attachments/*", line.pass_on)
    ida.wait_until_reachable()
    hal.start_conversation("Ida Grissom")
    ida.open_conversation("Hal Weldon")
    return Cast(hal=hal, ida=ida, line=line)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MiB that repeat a sentence, so that any part of them would be found."""
    path = tmp_path_factory.mktemp("files") / NAME
    sentence = CANARY.encode() + b" "
    path.write_bytes((sentence * (20 * MEBIBYTE // len(sentence) + 1))[: 20 * MEBIBYTE])
    return path


def attach(person: PersonAtBrowser, *paths: Path) -> None:
    person.see("file-input").set_input_files(paths)
    person.see("send").click()


# The tests of this module are one story, told in order.


def test_the_limit_is_told_before_anything_is_chosen(cast: Cast) -> None:
    expect(cast.hal.see("attach")).to_have_attribute("title", "Up to 1.1 GB each")


def test_what_is_chosen_can_be_put_back(cast: Cast, plans: Path) -> None:
    cast.hal.see("file-input").set_input_files(plans)
    expect(cast.hal.see("chosen-file")).to_contain_text(NAME)

    cast.hal.page.get_by_label(f"Remove {NAME}").click()

    expect(cast.hal.see("file-tray")).to_have_count(0)
    expect(cast.hal.see("send")).to_be_disabled()


def test_a_cut_network_and_a_reload_cost_one_part(cast: Cast, plans: Path) -> None:
    cast.line.cut_after = 2

    attach(cast.hal, plans)
    expect(cast.hal.see("upload")).to_have_attribute("data-state", "waiting")
    cast.hal.page.reload()
    cast.hal.open_conversation("Ida Grissom")
    expect(cast.hal.see("upload")).to_contain_text(NAME)
    assert cast.hal.see("file-message").count() == 0
    cast.line.mend()

    expect(cast.hal.see("file-message")).to_contain_text(NAME)
    expect(cast.hal.see("upload")).to_have_count(0)
    size = encrypted_size(plans.stat().st_size)
    assert cast.line.offsets == list(range(0, size, 4 * MEBIBYTE))


def test_what_comes_down_is_what_went_up(cast: Cast, plans: Path) -> None:
    expect(cast.ida.see("file-message")).to_contain_text(NAME)

    with cast.ida.page.expect_download() as coming:
        cast.ida.see("download").click()

    assert coming.value.suggested_filename == NAME
    assert coming.value.path().read_bytes() == plans.read_bytes()


def test_an_upload_can_be_cancelled(cast: Cast, plans: Path, product: Product) -> None:
    cast.line.offsets.clear()
    cast.line.cut_after = 1
    attach(cast.hal, plans)
    expect(cast.hal.see("upload")).to_have_attribute("data-state", "waiting")
    before = len(stored_files(product))

    cast.hal.see("upload-cancel").click()

    expect(cast.hal.see("upload")).to_have_count(0)
    cast.hal.write("I have thought better of it.")
    cast.ida.reads("I have thought better of it.")
    assert len(stored_files(product)) < before
    expect(cast.ida.see("file-message")).to_have_count(1)
    cast.line.mend()


def test_the_list_of_files_is_for_everybody(cast: Cast, plans: Path) -> None:
    cast.hal.see("file-input").set_input_files(plans)
    cast.hal.see("chosen-file").wait_for()

    assert violations(cast.hal.page) == []
    cast.hal.page.get_by_label(f"Remove {NAME}").click()


def test_a_picture_is_shown_and_what_only_says_so_is_not(cast: Cast, tmp_path: Path) -> None:
    picture, page = tmp_path / "boat.png", tmp_path / "not a picture.png"
    picture.write_bytes(png(64, 48))
    page.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')

    attach(cast.hal, picture, page)

    of_ida = cast.ida.see("file-message")
    expect(of_ida.filter(has_text="boat.png").get_by_test_id("preview")).to_be_visible()
    expect(of_ida.filter(has_text="not a picture.png")).to_have_attribute("data-state", "done")
    expect(cast.ida.see("preview")).to_have_count(1)
    address = cast.ida.see("preview").get_attribute("src") or ""
    assert address.startswith("blob:")
    assert violations(cast.ida.page) == []


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x20\x80\x60" * width) * height
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


def stored_files(product: Product) -> list[Path]:
    return [path for path in (product.data / "attachments").rglob("*") if path.is_file()]


def test_the_server_has_the_file_and_cannot_read_it(
    cast: Cast, plans: Path, product: Product
) -> None:
    stored = dump(product)

    large = [content for content in stored.values() if len(content) > MEBIBYTE]
    assert sum(map(len, large)) >= plans.stat().st_size, "the search sees nothing"
    assert leaks(stored, {"content": CANARY.encode(), "name": NAME.encode()}) == []
    assert list((product.data / "incoming").iterdir()) == []


def test_the_pages_had_no_errors(cast: Cast) -> None:
    assert (cast.hal.errors, cast.ida.errors) == ([], [])
