"""What PostgreSQL may not keep is not acknowledged, neither at first nor when it is repeated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Conversation, Entry
from messaging.services.commits import submit_commit
from messaging.services.conversations import create_conversation
from messaging.services.durability import UNKNOWN
from messaging.services.log import Placed
from messaging.services.messages import message_to_send
from messaging.services.proposals import submit_proposal
from messaging.services.writer import WRITER
from securechat_sdk.wire.errors import Unavailable
from tests.messaging.people import Member, message, submission_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="says something about PostgreSQL"),
]

WARN_AT_COMMIT = """
CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn();
"""
WARN_NO_MORE = "DROP TRIGGER warn ON {table}; DROP FUNCTION warn();"

Submit = Callable[[], Placed]


@contextmanager
def a_replica_that_nobody_waits_for(table: str = "messaging_entry") -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(WARN_AT_COMMIT.format(table=table))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(WARN_NO_MORE.format(table=table))


@pytest.fixture
def conversation(alice: Member, bob: Member) -> Conversation:
    """A group of two, at epoch 1 and position 1."""
    begun = alice.begins()
    alice.adds(begun, bob)
    return begun


def a_message(alice: Member, conversation: Conversation) -> Submit:
    send = message_to_send(
        caller=alice.caller,
        conversation_id=conversation.pk,
        message_id=uuid4(),
        ciphertext=message(conversation.pk, 1),
    )
    return lambda: WRITER.place_and_wait(send)


def a_commit(alice: Member, conversation: Conversation) -> Submit:
    submission = submission_of(conversation.pk, alice.prepares(conversation))
    return lambda: submit_commit(caller=alice.caller, submission=submission)


def a_proposal(alice: Member, conversation: Conversation) -> Submit:
    message_id, proposal = uuid4(), alice.proposes_to_leave(conversation)
    return lambda: submit_proposal(
        caller=alice.caller,
        conversation_id=conversation.pk,
        message_id=message_id,
        proposal=proposal,
    )


@pytest.mark.parametrize("made", [a_message, a_commit, a_proposal])
def test_what_is_committed_with_a_warning_is_not_accepted_and_repeating_it_is(
    alice: Member, conversation: Conversation, made: Callable[[Member, Conversation], Submit]
) -> None:
    submit = made(alice, conversation)

    with a_replica_that_nobody_waits_for(), pytest.raises(Unavailable) as refused:
        submit()
    again = submit()

    assert refused.value.detail == UNKNOWN
    assert again == Placed(2, is_new=False)
    assert Entry.objects.count() == 2


def test_a_conversation_that_is_begun_with_a_warning_is_not_begun_and_repeating_it_is(
    alice: Member,
) -> None:
    wanted = alice.wants()

    with (
        a_replica_that_nobody_waits_for("messaging_conversation"),
        pytest.raises(Unavailable) as refused,
    ):
        create_conversation(device=alice.device, wanted=wanted)
    again = create_conversation(device=alice.device, wanted=wanted)

    assert refused.value.detail == UNKNOWN
    assert (again.conversation.pk, again.is_new) == (wanted.id, False)


@pytest.mark.parametrize("made", [a_commit, a_proposal])
def test_a_repeated_one_is_waited_for_like_a_new_one(
    alice: Member, conversation: Conversation, made: Callable[[Member, Conversation], Submit]
) -> None:
    submit = made(alice, conversation)
    submit()

    with CaptureQueriesContext(connection) as queries:
        again = submit()

    # PostgreSQL waits for a replica at the end of what has locked a row, never of what has read.
    assert any("FOR NO KEY UPDATE" in query["sql"] for query in queries)
    assert again == Placed(2, is_new=False)
