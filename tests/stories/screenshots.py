"""Make the pictures in docs/screenshots from the running product.

    python -m tests.stories.screenshots

Faces come from the test data; without it, the pages that need one are left out, and it says so.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, ViewportSize, sync_playwright

from tests.stories.conftest import CAMERA_FLAGS, CHROMIUM, FLAGS, free_port
from tests.stories.people import PersonAtBrowser
from tests.stories.product import ROOT, Product

PICTURES = ROOT / "docs" / "screenshots"
DESKTOP: ViewportSize = {"width": 1200, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}


def main() -> None:
    data = Path(os.environ.get("SECURECHAT_TEST_DATA", ROOT.parent / "shared"))
    video = data / "faces" / "camera" / "person-5-turning.mjpeg"
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        product = Product(folder=Path(folder), port=free_port(), faces=video.is_file())
        product.start()
        try:
            with browser_with(playwright, video) as browser:
                take_pictures(product, browser)
        finally:
            product.stop()
    if not video.is_file():
        sys.stderr.write(f"No video at {video}: the pictures of the face pages were not made.\n")


@contextmanager
def browser_with(playwright: Playwright, video: Path) -> Iterator[Browser]:
    camera = [*CAMERA_FLAGS, f"--use-file-for-fake-video-capture={video}"]
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=FLAGS + (camera if video.is_file() else [])
    )
    yield browser
    browser.close()


def take_pictures(product: Product, browser: Browser) -> None:
    ada = sit_down(product, browser, "ada", "Ada Lovelace", role="administrator")
    ben = sit_down(product, browser, "ben", "Ben Okri", role="member")
    sign_up(ada, pictures=True)
    sign_up(ben, pictures=False)
    talk(ada, ben)
    picture(ada, "chat-light")
    ada.page.emulate_media(color_scheme="dark")
    picture(ada, "chat-dark")
    ada.page.set_viewport_size(PHONE)
    picture(ada, "chat-phone")
    ada.page.set_viewport_size(DESKTOP)
    ada.page.emulate_media(color_scheme="light")
    ada.see("menu").click()
    ada.see("menu-settings").click()
    picture(ada, "settings")
    ada.page.goto(f"{product.origin}/admin/accounts/person/")
    picture(ada, "admin")
    ada.page.goto(f"{product.origin}/api/v1/docs/")
    picture(ada, "api")


def sit_down(
    product: Product, browser: Browser, username: str, display_name: str, *, role: str
) -> PersonAtBrowser:
    context = browser.new_context(viewport=DESKTOP)
    person = PersonAtBrowser(
        product=product, context=context, username=username, display_name=display_name
    )
    person.open_page()
    person.link = product.invitation(username, display_name=display_name, role=role)
    return person


def sign_up(person: PersonAtBrowser, *, pictures: bool) -> None:
    if pictures:
        picture(person, "login")
        person.page.goto(person.link)
        picture(person, "invitation")
    person.accept(person.link)
    person.see("enrol-totp").wait_for()
    if pictures:
        picture(person, "second-factor")
    if person.product.faces and pictures:
        person.agree_to_face()
        person.see("face-start").click()
        person.page.wait_for_timeout(4000)
        # A picture in the documentation shows nobody's face.
        person.page.locator("video").evaluate("video => { video.style.visibility = 'hidden'; }")
        picture(person, "face")
        person.keep_recovery_codes()
    else:
        person.enrol_code()
    person.name_browser()


def talk(ada: PersonAtBrowser, ben: PersonAtBrowser) -> None:
    ada.start_conversation("Ben Okri")
    ada.write("Good morning! Is the bridge over the canal open again?")
    ben.open_conversation("Ada Lovelace")
    ben.write("Since this morning. They painted it green.")
    ben.write("Shall we meet there at noon?")
    ada.reads("Shall we meet there at noon?")
    ada.write("Gladly. I bring the plans.")
    ben.reads("Gladly. I bring the plans.")
    ada.start_group("Canal project", "Ben Okri")
    ada.write("Everything about the bridge goes in here from now on.")
    ada.page.get_by_test_id("conversation").filter(has_text="Ben Okri").click()


def picture(person: PersonAtBrowser, name: str) -> None:
    person.page.wait_for_timeout(400)
    person.page.screenshot(path=PICTURES / f"{name}.png")
    sys.stdout.write(f"docs/screenshots/{name}.png\n")


if __name__ == "__main__":
    main()
