"""What the camera's pages say: on a phone, in both colours, without a mouse, and to axe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.stories.conftest import Launch
from tests.stories.people import FACE_MILLISECONDS, PersonAtBrowser, violations
from tests.stories.product import Product

pytestmark = pytest.mark.story

PHONE: ViewportSize = {"width": 360, "height": 740}
CROWD = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import Person
from facelogin.models import Attempt, Capture
now = timezone.now()
later = now + timedelta(minutes=10)
attempt = Attempt.objects.create(
    person=Person.objects.get(username="wren"),
    purpose="verification",
    wrapped_for_browser=b"",
    expires_at=later,
)
Capture.objects.bulk_create(
    Capture(
        attempt=attempt, nonce=b"", challenge=[], state="queued", created_at=now, expires_at=later
    )
    for _ in range(25)
)
"""
NOBODY = """
from facelogin.models import Attempt
Attempt.objects.filter(wrapped_for_browser=b"").delete()
"""


@contextmanager
def crowd(product: Product) -> Iterator[None]:
    """More people before the cameras than the worker can judge in time."""
    product.manage("shell", "-c", CROWD)
    yield
    product.manage("shell", "-c", NOBODY)


def at_a_phone(product: Product, browser: Browser, scheme: str = "light") -> PersonAtBrowser:
    context = browser.new_context(
        viewport=PHONE, color_scheme="dark" if scheme == "dark" else "light"
    )
    person = PersonAtBrowser(
        product=product, context=context, username="wren", display_name="Wren Lark"
    )
    person.open_page()
    return person


@pytest.fixture(scope="module")
def codes(product: Product, launch: Launch, cameras: Path | None) -> list[str]:
    """Wren has enrolled a face; what is left are the recovery codes."""
    if cameras is None:
        pytest.skip("no faces in a bare clone")
    wren = at_a_phone(product, launch("person-5-turning"))
    wren.accept(product.invitation(wren.username, display_name=wren.display_name))
    wren.see("enrol-face").click()
    wren.see("consent-agree").wait_for()
    assert violations(wren.page) == []
    wren.press("consent-agree", "Space")
    wren.press("consent-submit", "Enter")
    wren.show_face_until(wren.see("recovery-codes"))
    wren.keep_recovery_codes()
    wren.name_browser()
    wren.context.close()
    return wren.recovery_codes


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_moment_of_a_capture(
    product: Product, launch: Launch, codes: list[str], scheme: str
) -> None:
    wren = at_a_phone(product, launch("person-5-still"), scheme)
    wren.give_password()
    expect(wren.see("face-status")).to_have_attribute("data-phase", "ready")
    assert violations(wren.page) == []

    wren.press("face-start", "Enter")

    wren.see("face-countdown").wait_for()
    assert violations(wren.page) == []
    wren.see("face-hint").wait_for()
    assert violations(wren.page) == []
    expect(wren.see("face-reasons")).to_be_visible(timeout=FACE_MILLISECONDS)
    assert violations(wren.page) == []
    wren.press("use-other-factor", "Enter")
    wren.see("code-input").wait_for()
    assert violations(wren.page) == []
    wren.see("code-input").fill(codes.pop())
    wren.press("code-submit", "Enter")
    wren.see("keys-elsewhere").wait_for()
    assert wren.errors == []
    wren.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_while_many_log_in_the_page_says_when_to_come_back_and_the_code_works(
    product: Product, launch: Launch, codes: list[str], scheme: str
) -> None:
    wren = at_a_phone(product, launch("person-5-still"), scheme)
    wren.give_password()
    expect(wren.see("face-status")).to_have_attribute("data-phase", "ready")

    with crowd(product):
        wren.press("face-start", "Enter")

        expect(wren.see("problem")).to_contain_text("seconds")
        expect(wren.see("face-status")).to_contain_text("Many people")  # read out, once
        expect(wren.see("face-start")).to_be_disabled()
        assert violations(wren.page) == []
    expect(wren.see("face-start")).to_be_enabled(timeout=FACE_MILLISECONDS)
    expect(wren.see("face-status")).to_have_attribute("data-phase", "ready")
    wren.press("use-other-factor", "Enter")
    wren.see("code-input").fill(codes.pop())
    wren.press("code-submit", "Enter")
    wren.see("keys-elsewhere").wait_for()
    wren.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_has_no_camera_is_led_to_the_code(
    product: Product, launch: Launch, codes: list[str], scheme: str
) -> None:
    wren = at_a_phone(product, launch(None), scheme)
    wren.give_password()

    expect(wren.see("face-status")).to_have_attribute("data-phase", "no_camera")
    assert violations(wren.page) == []
    wren.press("use-other-factor", "Enter")
    wren.see("code-input").fill(codes.pop())
    wren.press("code-submit", "Enter")

    wren.see("keys-elsewhere").wait_for()
    wren.context.close()
