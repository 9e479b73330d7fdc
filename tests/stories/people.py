"""What a person does in the browser, in the words of the pages."""

import base64
import hmac
import re
import time
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.stories.product import Product

FACE_MILLISECONDS = 60_000
TRIES = 5  # as many as cost nobody a wait
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PASSWORD_OF = "a long walk by the river, {}"


@dataclass
class PersonAtBrowser:
    """One person in one browser profile."""

    product: Product
    context: BrowserContext
    username: str
    display_name: str
    page: Page = field(init=False)
    link: str = ""
    code_secret: str = ""
    last_half_minute: int = 0
    recovery_codes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def password(self) -> str:
        return PASSWORD_OF.format(self.username)

    def open_page(self) -> None:
        """Open a tab at the front door; from now on this is the one looked at."""
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(self.product.origin)

    def see(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def press(self, test_id: str, key: str) -> None:
        """Go there with the Tab key, as who sees no mouse does, and press the key."""
        wanted = self.see(test_id).first
        wanted.wait_for()
        for _ in range(40):
            if wanted.evaluate("element => element === document.activeElement"):
                self.page.keyboard.press(key)
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{test_id} cannot be reached with the Tab key")

    # Coming in ---------------------------------------------------------------------------

    def accept(self, link: str) -> None:
        self.page.goto(link)
        self.see("accept-username").fill(self.username)
        self.see("accept-display-name").fill(self.display_name)
        self.see("accept-password").fill(self.password)
        self.see("accept-password-again").fill(self.password)
        self.see("accept-submit").click()

    def agree_to_face(self) -> None:
        self.see("enrol-face").click()
        self.see("consent-agree").check()
        if self.see("consent-password").is_visible():
            self.see("consent-password").fill(self.password)
        self.see("consent-submit").click()

    def enrol_face(self) -> None:
        self.agree_to_face()
        self.show_face_until(self.see("recovery-codes"))
        self.keep_recovery_codes()

    def enrol_code(self) -> None:
        self.see("enrol-totp").click()
        self.code_secret = re.sub(r"\s", "", self.see("totp-secret").inner_text())
        self.see("code-input").fill(self.next_code())
        self.see("code-submit").click()
        self.keep_recovery_codes()

    def keep_recovery_codes(self) -> None:
        expect(self.see("recovery-codes")).to_be_visible(timeout=FACE_MILLISECONDS)
        self.recovery_codes = self.see("recovery-codes").inner_text().split()
        self.see("recovery-kept").check()
        self.see("recovery-continue").click()

    def name_browser(self) -> None:
        self.see("device-create").click()
        expect(self.see("new-conversation")).to_be_visible(timeout=30_000)

    def log_out(self) -> None:
        self.see("menu").click()
        self.see("log-out").click()
        self.see("confirm-yes").click()
        expect(self.see("login-username")).to_be_visible()

    def give_password(self) -> None:
        self.page.goto(self.product.origin)
        self.see("login-username").fill(self.username)
        self.see("login-password").fill(self.password)
        self.see("login-submit").click()

    def show_face(self) -> None:
        self.see("face-start").click()

    def show_face_until(self, awaited: Locator) -> None:
        """The owner tries again, as one does.

        The looping video does not wait for the page: it passes the middle on its way from one side
        to the other, so every fourth recording of it has no straight step that stays straight.
        """
        refused = self.see("face-reasons")
        for _ in range(TRIES):
            self.show_face()
            expect(awaited.or_(refused)).to_be_visible(timeout=FACE_MILLISECONDS)
            if not refused.is_visible():
                break
        expect(awaited).to_be_visible()

    def give_code(self) -> None:
        self.see("code-input").fill(self.next_code())
        self.see("code-submit").click()

    def next_code(self) -> str:
        """One that was not used before; the next half minute's is good already."""
        self.last_half_minute = max(self.last_half_minute + 1, this_half_minute())
        while self.last_half_minute > this_half_minute() + 1:
            time.sleep(0.5)
        return one_time_code(self.code_secret, self.last_half_minute)

    # Talking -----------------------------------------------------------------------------

    def start_conversation(self, other: str) -> None:
        self.see("new-conversation").click()
        self.find(other)
        expect(self.see("conversation-title")).to_have_text(other, timeout=30_000)

    def start_group(self, name: str, *others: str) -> None:
        self.see("new-conversation").click()
        self.see("new-group").click()
        self.see("group-name").fill(name)
        for other in others:
            self.find(other)
        self.see("group-create").click()
        expect(self.see("conversation-title")).to_have_text(name, timeout=30_000)

    def add_to_group(self, other: str) -> None:
        self.see("add-people").click()
        self.find(other)
        self.see("add-people-submit").click()
        expect(self.see("add-people-dialog")).to_have_count(0, timeout=30_000)

    def remove_from_group(self, other: str) -> None:
        self.see("members").click()
        row = self.see("member").filter(has_text=other)
        row.get_by_test_id("member-remove").click()
        self.confirm()
        expect(row).to_have_count(0, timeout=30_000)
        self.page.keyboard.press("Escape")
        expect(self.see("members-dialog")).to_have_count(0)

    def leave_group(self) -> None:
        self.see("members").click()
        self.see("leave-group").click()
        self.confirm()

    def revoke_this_device(self) -> None:
        self.page.goto(f"{self.product.origin}/#/settings")
        self.see("device-revoke").click()
        self.confirm()

    def confirm(self) -> None:
        self.see("confirm-yes").click()
        expect(self.see("confirm")).to_have_count(0, timeout=30_000)

    def wait_until_reachable(self) -> None:
        """Others can add this browser once it has left its key packages."""
        has_left_them = """async () => {
          const answer = await fetch("/api/v1/key-packages");
          return (await answer.json()).has_last_resort;
        }"""
        deadline = time.monotonic() + 60
        while not self.page.evaluate(has_left_them):
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(200)

    def notice(self, text: str) -> Locator:
        """A line of the thread that nobody wrote."""
        return self.see("notice").filter(has_text=text)

    def find(self, other: str) -> None:
        self.see("people-search").fill(other)
        self.see("person-result").filter(has_text=other).click()

    def open_conversation(self, title: str) -> None:
        self.see("conversation").filter(has_text=title).click()
        expect(self.see("composer")).to_be_editable(timeout=30_000)

    def write(self, text: str) -> None:
        """Once no dialog is in the way: one that closes takes the focus with it."""
        expect(self.page.locator("dialog[open]")).to_have_count(0)
        self.see("composer").fill(text)
        self.see("send").click()

    def reads(self, *texts: str) -> None:
        """The texts are on the screen once each, in this order."""
        for text in texts:
            expect(self.see("message").filter(has_text=text)).to_have_count(1, timeout=30_000)
        shown = [text for text in self.see("message-text").all_inner_texts() if text in texts]
        assert shown == list(texts)

    def status_of(self, text: str) -> Locator:
        return self.see("message").filter(has_text=text).get_by_test_id("message-status")


def newcomer(
    product: Product, browser: Browser, username: str, display_name: str
) -> PersonAtBrowser:
    """Somebody invited who came in with one-time codes, and whose browser has its name."""
    person = PersonAtBrowser(
        product=product,
        context=browser.new_context(),
        username=username,
        display_name=display_name,
    )
    person.open_page()
    person.accept(product.invitation(username, display_name=display_name))
    person.enrol_code()
    person.name_browser()
    return person


def two_who_talk(
    product: Product, browser: Browser, first: str, second: str, *, about: str
) -> tuple[PersonAtBrowser, PersonAtBrowser]:
    """Two newcomers by their display names; the first has written, the second has it open.

    The second opens the conversation when the message is there: who has it open before is also
    told that the first types it.
    """
    one, other = (newcomer(product, browser, _username(name), name) for name in (first, second))
    other.wait_until_reachable()
    one.start_conversation(second)
    one.write(about)
    expect(other.see("conversation")).to_contain_text(about, timeout=30_000)
    other.open_conversation(first)
    other.reads(about)
    return one, other


def _username(display_name: str) -> str:
    return display_name.split(maxsplit=1)[0].lower()


def violations(page: Page) -> list[str]:
    """Of WCAG 2.2 A and AA, as far as axe finds them."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{violation['id']}: {violation['help']}" for violation in found]


def this_half_minute() -> int:
    return int(time.time() // 30)


def one_time_code(secret: str, half_minute: int) -> str:
    """RFC 6238."""
    digest = hmac.digest(base64.b32decode(secret), half_minute.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
