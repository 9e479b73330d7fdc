"""The REST API: the shapes of docs/protocol.md, and refusals that say nothing to outsiders."""

import tracemalloc
from base64 import b64decode
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Scope
from messaging.access import log_for
from messaging.groups import external_sender
from messaging.models import Conversation, Entry
from messaging.news import MOST_BYTES, bounded
from securechat.config import Config
from securechat_sdk.mls.group.join import join
from securechat_sdk.mls.messages.mls_message import MLSMessage
from securechat_sdk.mls.messages.ratchet_tree import RatchetTreeExtension
from securechat_sdk.wire.frames import MAX_MESSAGE_BYTES
from tests.messaging.api import api_of, base64, commit_body
from tests.messaging.people import SUITE, Member, message, policy, submission_of, welcome_in


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """Alice's and Bob's, at epoch 1 and position 1."""
    begun = alice.begins(direct_with=bob)
    alice.adds(begun, bob)
    return begun


# From key packages to the first message -------------------------------------------------------


def test_what_is_uploaded_is_what_is_claimed(alice: Member, bob: Member) -> None:
    hers, his = api_of(alice), api_of(bob)
    (package,) = bob.key_packages(1)

    stock = his.post("key-packages", {"key_packages": [base64(package)], "last_resort": None})
    claimed = hers.post("key-packages/claims", {"person_id": str(bob.person.pk)})

    assert stock == {"available": 1, "has_last_resort": False}
    assert claimed == {
        "person_id": str(bob.person.pk),
        "key_packages": [{"device_id": str(bob.device.pk), "key_package": base64(package)}],
    }
    assert his.get("key-packages")["available"] == 0


def test_key_packages_of_another_suite_are_asked_for_by_its_number(
    alice: Member, bob: Member
) -> None:
    bob.leaves_key_packages(1)
    wanted = {"person_id": str(bob.person.pk), "cipher_suite": 1}

    refused = api_of(alice).post("key-packages/claims", wanted, status=409)

    assert refused["code"] == "no_key_package"
    api_of(alice).post("key-packages/claims", {**wanted, "cipher_suite": SUITE})


def test_the_settings_say_what_a_group_must_have(alice: Member) -> None:
    shown = api_of(alice).get("messaging/settings")

    assert shown == {
        "cipher_suite": 0xF04E,
        "external_sender": base64(external_sender().encode()),
        "retention_days": None,
    }


def test_the_settings_say_how_long_the_organisation_keeps_messages(
    alice: Member, settings: Settings
) -> None:
    settings.CONFIG = Config(retention_days=30)

    assert api_of(alice).get("messaging/settings")["retention_days"] == 30


def test_a_conversation_begins_with_its_creators_group(alice: Member, bob: Member) -> None:
    wanted = alice.wants(direct_with=bob)
    body = {
        "id": str(wanted.id),
        "kind": "direct",
        "cipher_suite": SUITE,
        "person_id": str(bob.person.pk),
        "group_info": base64(wanted.group_info),
    }
    hers = api_of(alice)

    created = hers.post("conversations", body)
    again = hers.post("conversations", body, status=200)

    assert created == again
    assert created["members"] == [
        {
            "device_id": str(alice.device.pk),
            "person_id": str(alice.person.pk),
            "joined_position": 0,
            "delivered_position": 0,
        }
    ]


def test_a_commit_brings_its_group_info_and_what_is_wrong_is_said(
    alice: Member, bob: Member
) -> None:
    begun = alice.begins(direct_with=bob)
    body = commit_body(submission_of(begun.pk, alice.prepares_adding(begun, bob)))
    address, hers = f"conversations/{begun.pk}/commits", api_of(alice)

    old = base64(MLSMessage.of(alice.groups[begun.pk].group_info(with_tree=False)).encode())
    refused = hers.post(address, {**body, "group_info": old}, status=422)
    accepted = hers.post(address, body)

    assert (refused["code"], accepted) == ("commit_invalid", {"position": 1})
    assert refused["reason"] == "group_info_mismatch"


def test_a_joiner_reads_its_welcome_and_the_tree_beside_it(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    his = api_of(bob)
    (waiting,) = his.get("welcomes")["results"]
    tree = his.get(f"conversations/{conversation.pk}/tree?epoch={waiting['epoch']}")

    (own,) = bob.own.values()
    group = join(
        welcome_in(b64decode(waiting["welcome"])),
        own,
        policy(),
        tree=RatchetTreeExtension.decode(b64decode(tree["ratchet_tree"])),
    )

    assert set(waiting) == {"welcome_id", "conversation_id", "position", "epoch", "welcome"}
    assert tree["epoch"] == group.epoch == 1
    assert group.epoch_authenticator == alice.groups[conversation.pk].epoch_authenticator


def test_a_welcome_that_was_used_is_forgotten(bob: Member, conversation: Conversation) -> None:
    his = api_of(bob)
    (waiting,) = his.get("welcomes")["results"]
    address = f"welcomes/{waiting['welcome_id']}"

    api_of(bob, Scope.MESSAGES_READ).delete(address, status=403)
    his.delete(address)

    assert his.get("welcomes")["results"] == []
    his.delete(address, status=404)


def test_many_welcomes_come_in_pages(alice: Member, bob: Member) -> None:
    for _ in range(51):
        alice.adds(alice.begins(), bob)
    his = api_of(bob)

    first = his.get("welcomes")
    second = his.get(first["next"].split("/api/v1/")[1])

    ids = {one["welcome_id"] for one in first["results"] + second["results"]}
    assert (len(first["results"]), len(ids)) == (50, 51)


def test_a_tree_that_is_not_kept_has_a_code_of_its_own(
    alice: Member, bob: Member, carol: Member, conversation: Conversation
) -> None:
    address = f"conversations/{conversation.pk}/tree"
    bob.catches_up(conversation)
    for _ in range(2):
        alice.commits(conversation)
    hers = api_of(alice)

    assert hers.get(f"{address}?epoch=2")["epoch"] == 2
    assert hers.get(f"{address}?epoch=1", status=404)["code"] == "tree_not_kept"
    assert hers.get(f"{address}?epoch=9", status=404)["code"] == "tree_not_kept"
    assert hers.get(address, status=400)["code"] == "invalid_input"
    assert api_of(carol).get(f"{address}?epoch=2", status=404)["code"] == "not_found"


def test_messages_and_marks_follow(alice: Member, bob: Member, conversation: Conversation) -> None:
    body = {"message_id": str(uuid4()), "ciphertext": base64(message(conversation.pk, 1))}

    sent = api_of(bob).post(f"conversations/{conversation.pk}/messages", body)
    marked = api_of(alice).post(
        f"conversations/{conversation.pk}/delivery", {"position": 2}, status=200
    )

    assert (sent, marked) == ({"position": 2}, {"position": 2})


def test_who_leaves_a_group_reads_up_to_its_removal(alice: Member, bob: Member) -> None:
    group = alice.begins()
    alice.adds(group, bob)
    proposal = bob.proposes_to_leave(group)
    body = {"message_id": str(uuid4()), "proposal": base64(proposal)}
    address, his = f"conversations/{group.pk}", api_of(bob)

    left = his.post(f"{address}/proposals", body)
    again = his.post(f"{address}/proposals", body, status=200)
    silence = {"message_id": str(uuid4()), "ciphertext": base64(message(group.pk, 1))}
    pending = api_of(alice).post(f"{address}/messages", silence, status=409)
    alice.commits(group)
    alice.says(group, epoch=2)
    log = his.get(f"{address}/entries")

    assert (left, again, pending["code"]) == ({"position": 2}, {"position": 2}, "proposals_pending")
    assert [entry["position"] for entry in log["entries"]] == [2, 3]
    assert log["last_position"] == 3
    his.get(address, status=404)
    assert his.get("conversations")["results"] == []


# The log --------------------------------------------------------------------------------------


def test_each_side_of_a_direct_conversation_sees_the_other_person(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    shown = api_of(alice).get(f"conversations/{conversation.pk}")
    listed = api_of(bob).get("conversations")

    assert shown["person_id"] == str(bob.person.pk)
    assert listed["results"][0]["person_id"] == str(alice.person.pk)
    assert set(shown) == {
        "id",
        "kind",
        "cipher_suite",
        "epoch",
        "last_position",
        "created_at",
        "retention_seconds",
        "failures",
        "person_id",
        "members",
    }
    assert (shown["epoch"], shown["last_position"]) == (1, 1)


def test_conversations_are_listed_by_their_newest_activity(alice: Member) -> None:
    first, second = alice.begins(), alice.begins()
    alice.says(first, epoch=0)

    page = api_of(alice).get("conversations")

    assert [one["id"] for one in page["results"]] == [str(first.pk), str(second.pk)]
    assert (page["next"], page["previous"]) == (None, None)


def test_a_long_list_of_conversations_comes_in_pages(alice: Member) -> None:
    begun = {str(alice.begins().pk) for _ in range(60)}
    api = api_of(alice)

    first = api.get("conversations")
    second = api.get(first["next"].split("/api/v1/")[1])

    seen = [one["id"] for one in first["results"] + second["results"]]
    assert set(seen) == begun
    assert len(seen) == 60


def test_the_log_is_read_by_position(
    alice: Member, bob: Member, conversation: Conversation
) -> None:
    sent = [message(conversation.pk, 1) for _ in range(3)]
    for ciphertext in sent:
        alice.says(conversation, ciphertext)
    his = api_of(bob)

    whole = his.get(f"conversations/{conversation.pk}/entries")
    part = his.get(f"conversations/{conversation.pk}/entries?after=2&limit=1")

    assert [entry["position"] for entry in whole["entries"]] == [2, 3, 4]
    assert [b64decode(entry["data"]) for entry in whole["entries"]] == sent
    assert whole["last_position"] == part["last_position"] == 4
    assert part["entries"] == whole["entries"][1:2]
    assert set(part["entries"][0]) == {
        "conversation_id",
        "position",
        "kind",
        "epoch",
        "sender_device_id",
        "message_id",
        "created_at",
        "data",
    }


def test_an_answer_stops_when_its_entries_become_large(
    alice: Member, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.news.MOST_BYTES", 500)
    for _ in range(5):
        alice.says(conversation)
    api, seen = api_of(alice), [0]

    while len(seen) < 7:
        page = api.get(f"conversations/{conversation.pk}/entries?after={seen[-1]}")
        assert 1 <= len(page["entries"]) <= 3
        seen += [entry["position"] for entry in page["entries"]]

    assert seen == list(range(7))


def test_no_more_of_a_log_is_read_than_is_answered(
    alice: Member, conversation: Conversation
) -> None:
    large = [
        Entry(
            conversation=conversation,
            position=position,
            kind=Entry.Kind.MESSAGE,
            epoch=1,
            sender=alice.device,
            message_id=uuid4(),
            data=bytes(MAX_MESSAGE_BYTES),
        )
        for position in range(2, 202)
    ]
    Entry.objects.bulk_create(large)
    Conversation.objects.filter(pk=conversation.pk).update(last_position=201)
    del large
    entries = log_for(alice.device, conversation.pk).entries.filter(position__gt=1)

    tracemalloc.start()
    read = [entry.position for entry in bounded(entries, 200)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert read == [*range(2, 11)]
    assert peak < 2 * MOST_BYTES  # all 200 are 25 times as much


def test_a_repeated_request_is_answered_with_200_and_the_same_place(
    alice: Member, conversation: Conversation
) -> None:
    api = api_of(alice)
    body = {"message_id": str(uuid4()), "ciphertext": base64(message(conversation.pk, 1))}

    first = api.post(f"conversations/{conversation.pk}/messages", body)
    again = api.post(f"conversations/{conversation.pk}/messages", body, status=200)

    assert first == again == {"position": 2}


def test_a_refusal_is_a_problem_with_its_code_and_facts(
    alice: Member, conversation: Conversation
) -> None:
    body = {"message_id": str(uuid4()), "ciphertext": base64(message(conversation.pk, 0))}

    problem = api_of(alice).post(f"conversations/{conversation.pk}/messages", body, status=409)

    assert (problem["code"], problem["epoch"], problem["status"]) == ("stale_epoch", 1, 409)
    assert problem["type"] == "/docs/errors#stale_epoch"


def test_an_outsider_gets_the_same_bytes_for_a_hidden_and_a_missing_conversation(
    carol: Member, conversation: Conversation
) -> None:
    api = api_of(carol)

    for path in ("conversations/{}", "conversations/{}/entries"):
        hidden, missing = (api.raw(path.format(one)) for one in (conversation.pk, uuid4()))
        assert hidden == missing
    sent, marked = [], []
    for one in (conversation.pk, uuid4()):
        body = {"message_id": str(uuid4()), "ciphertext": base64(message(one, 1))}
        sent.append(api.post(f"conversations/{one}/messages", body, status=404))
        marked.append(api.post(f"conversations/{one}/delivery", {"position": 0}, status=404))
    assert sent[0] == sent[1]
    assert marked[0] == marked[1]


NEW = {
    "id": str(uuid4()),
    "kind": "group",
    "cipher_suite": SUITE,
    "person_id": None,
    "group_info": "AA==",
}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("key-packages", {"key_packages": []}),
        ("key-packages", {"key_packages": "AA==", "last_resort": None}),
        ("key-packages", {"key_packages": ["AA"], "last_resort": None}),
        ("key-packages", {"key_packages": ["AA=="] * 101, "last_resort": None}),
        ("key-packages/claims", {"person_id": 1}),
        ("key-packages/claims", []),
        ("conversations", {**NEW, "kind": "party"}),
        ("conversations", {**NEW, "cipher_suite": True}),
        ("conversations", {**NEW, "group_info": ""}),
        ("conversations", {**NEW, "x": 1}),
        ("conversations", {name: NEW[name] for name in NEW if name != "group_info"}),
    ],
)
def test_a_body_of_another_shape_is_refused(alice: Member, path: str, body: object) -> None:
    problem = api_of(alice).post(path, body, status=400)

    assert problem["code"] == "invalid_input"


def test_of_the_right_shape_the_group_info_is_what_is_looked_at_next(alice: Member) -> None:
    problem = api_of(alice).post("conversations", NEW, status=422)

    assert problem["code"] == "group_info_invalid"


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "limit=201", "after=x", "page=1"])
def test_a_query_of_another_shape_is_refused(
    alice: Member, conversation: Conversation, query: str
) -> None:
    api_of(alice).get(f"conversations/{conversation.pk}/entries?{query}", status=400)


def test_a_token_may_do_what_its_scopes_say(alice: Member, conversation: Conversation) -> None:
    reader, writer = api_of(alice, Scope.MESSAGES_READ), api_of(alice, Scope.MESSAGES_WRITE)
    log, sending = (f"conversations/{conversation.pk}/{what}" for what in ("entries", "messages"))
    body = {"message_id": str(uuid4()), "ciphertext": base64(message(conversation.pk, 1))}

    assert reader.post(sending, body, status=403)["code"] == "scope_missing"
    assert writer.get(log, status=403)["code"] == "scope_missing"
    reader.get(log)
    writer.post(sending, body)
    for api in (reader, writer):
        assert api.get("key-packages", status=403)["code"] == "scope_missing"


@pytest.mark.django_db
def test_nobody_gets_anything_without_a_device() -> None:
    for path in ("key-packages", "conversations", f"conversations/{uuid4()}", "welcomes"):
        response = Client().get(f"/api/v1/{path}")
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_a_revoked_device_gets_nothing(alice: Member, conversation: Conversation) -> None:
    api = api_of(alice)
    api.get(f"conversations/{conversation.pk}")
    alice.device.revoked_at = timezone.now()
    alice.device.save()

    api.get(f"conversations/{conversation.pk}", status=401)
