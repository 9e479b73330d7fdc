"""A device could not apply a change: members and administrators hear of it, by a code."""

from uuid import UUID

import pytest

from accounts.models import Role
from accounts.services.devices import revoke_device
from messaging.models import Conversation, FailureReport
from messaging.services.failures import REPORTS, report_failure
from securechat_sdk.wire.frames import EntryAppended, FailureReported
from tests.accounts.people import Browser, make_person
from tests.messaging.api import api_of
from tests.messaging.people import Member, enrol
from tests.messaging.sockets import connected, in_thread

CODE = "confirmation_tag_mismatch"


def begin(alice: Member, bob: Member) -> Conversation:
    """Alice's, with a commit that Bob has read, at position 2, and a message after it."""
    conversation = alice.begins()
    alice.adds(conversation, bob)
    alice.adds(conversation, enrol("carol"))
    alice.says(conversation, epoch=2)
    bob.catches_up(conversation)
    return conversation


def path(conversation: Conversation) -> str:
    return f"conversations/{conversation.pk}/failure-reports"


@pytest.mark.django_db
def test_a_report_stands_with_the_conversation_for_all_its_members(
    alice: Member, bob: Member
) -> None:
    conversation = begin(alice, bob)

    api_of(bob).post(path(conversation), {"position": 2, "code": CODE}, status=204)

    (failure,) = api_of(alice).get(f"conversations/{conversation.pk}")["failures"]
    del failure["created_at"]
    assert failure == {
        "position": 2,
        "sender_device_id": str(alice.device.pk),
        "device_id": str(bob.device.pk),
        "code": CODE,
    }
    (listed,) = api_of(alice).get("conversations")["results"]
    assert len(listed["failures"]) == 1


@pytest.mark.django_db
def test_the_same_report_again_is_the_same_report(alice: Member, bob: Member) -> None:
    conversation = begin(alice, bob)

    for _ in range(3):
        api_of(bob).post(path(conversation), {"position": 2, "code": CODE}, status=204)

    assert FailureReport.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("report", "status"),
    [
        ({"position": 3, "code": CODE}, 422),  # a message
        ({"position": 99, "code": CODE}, 422),  # nothing yet
        ({"position": 1, "code": CODE}, 422),  # before this device was in
        ({"position": 2, "code": "What Alice wrote was: hello"}, 400),
        ({"position": 2, "code": "x" * 49}, 400),
        ({"position": 2, "code": CODE, "text": "more"}, 400),
        ({"position": 2}, 400),
    ],
)
def test_a_report_is_of_a_commit_that_the_device_may_read_and_says_no_more_than_a_code(
    alice: Member, bob: Member, report: dict[str, object], status: int
) -> None:
    conversation = begin(alice, bob)

    api_of(bob).post(path(conversation), report, status=status)

    assert not FailureReport.objects.exists()


@pytest.mark.django_db
def test_a_stranger_reports_nothing(alice: Member, bob: Member) -> None:
    conversation = begin(alice, bob)

    api_of(enrol("dave")).post(path(conversation), {"position": 2, "code": CODE}, status=404)


@pytest.mark.django_db
def test_a_revoked_device_reports_nothing(alice: Member, bob: Member) -> None:
    conversation = begin(alice, bob)
    api = api_of(bob)
    revoke_device(device=bob.device)

    api.post(path(conversation), {"position": 2, "code": CODE}, status=401)

    assert not FailureReport.objects.exists()


@pytest.mark.django_db
def test_a_device_does_not_report_without_end(alice: Member, bob: Member) -> None:
    conversation = begin(alice, bob)
    REPORTS.spend(bob.device.pk, REPORTS.limit)

    answer = api_of(bob).post(path(conversation), {"position": 2, "code": CODE}, status=429)

    assert answer["code"] == "too_many_reports"
    assert 0 < answer["retry_after"] <= REPORTS.window.total_seconds() + 1


@pytest.mark.django_db
def test_an_administrator_reads_who_could_not_apply_whose_change(
    alice: Member, bob: Member
) -> None:
    conversation = begin(alice, bob)
    api_of(bob).post(path(conversation), {"position": 2, "code": CODE}, status=204)
    report = FailureReport.objects.get()
    browser = Browser().log_in(make_person("ada", role=Role.ADMINISTRATOR))
    address = "/admin/messaging/failurereport/"

    listed = browser.client.get(address).content.decode()
    removed = browser.client.post(f"{address}{report.pk}/delete/", {"post": "yes"})

    assert all(text in listed for text in (CODE, str(alice.person), str(bob.person)))
    assert removed.status_code == 403


@pytest.mark.django_db(transaction=True)
async def test_members_who_are_there_hear_of_it_at_once(alice: Member, bob: Member) -> None:
    conversation = await in_thread(begin)(alice, bob)

    async with connected(alice) as hers, connected(bob) as his:
        await in_thread(report)(bob, conversation.pk)
        heard = [await socket.wait_for(FailureReported) for socket in (hers, his)]
        await in_thread(alice.says)(conversation, epoch=2)
        await hers.wait_for(EntryAppended)

    assert heard == 2 * [
        FailureReported(
            conversation_id=conversation.pk,
            position=2,
            sender_device_id=alice.device.pk,
            device_id=bob.device.pk,
        )
    ]
    assert not any(isinstance(frame, FailureReported) for frame in hers.passed_over)


def report(member: Member, conversation_id: UUID) -> None:
    report_failure(caller=member.caller, conversation_id=conversation_id, position=2, code=CODE)
