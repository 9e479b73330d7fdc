"""Faces at the door: the owner enters, strangers and pictures do not, and nobody is locked out."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.stories.conftest import Launch
from tests.stories.people import FACE_MILLISECONDS, PersonAtBrowser
from tests.stories.product import Product

pytestmark = pytest.mark.story


@dataclass
class Owner:
    """Somebody who has enrolled a face, and holds recovery codes."""

    product: Product
    username: str = "dora"
    codes: list[str] = field(default_factory=list)

    def at(self, browser: Browser) -> PersonAtBrowser:
        person = PersonAtBrowser(
            product=self.product,
            context=browser.new_context(),
            username=self.username,
            display_name="Dora Maar",
        )
        person.open_page()
        return person


def state_of(person: PersonAtBrowser) -> str:
    answer = person.page.request.get(f"{person.product.origin}/api/v1/session")
    return str(answer.json()["state"])


@pytest.fixture(scope="module")
def owner(product: Product, launch: Launch, cameras: Path | None) -> Owner:
    if cameras is None:
        pytest.skip("no faces in a bare clone")
    dora = Owner(product)
    person = dora.at(launch("person-5-turning"))
    person.accept(product.invitation(dora.username, display_name=person.display_name))
    person.enrol_face()
    person.name_browser()
    dora.codes = person.recovery_codes
    person.context.close()
    return dora


def test_the_owner_enters(owner: Owner, launch: Launch) -> None:
    person = owner.at(launch("person-5-turning"))

    person.give_password()
    person.show_face_until(person.see("keys-elsewhere"))

    assert state_of(person) == "unknown_device"
    person.context.close()


@pytest.mark.parametrize("camera", ["person-5-flat-photo", "person-5-still", "person-2-turning"])
def test_a_picture_or_a_stranger_is_refused_and_the_other_way_in_still_works(
    owner: Owner, launch: Launch, camera: str
) -> None:
    person = owner.at(launch(camera))
    person.give_password()

    person.show_face()

    expect(person.see("face-reasons")).to_be_visible(timeout=FACE_MILLISECONDS)
    assert state_of(person) == "second_factor"
    person.see("use-other-factor").click()
    person.see("code-input").fill(owner.codes.pop())
    person.see("code-submit").click()
    expect(person.see("keys-elsewhere")).to_be_visible(timeout=FACE_MILLISECONDS)
    person.context.close()
