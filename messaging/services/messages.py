"""Application messages: ciphertext in, a place in the log out."""

from uuid import UUID

from django.db import connection

from accounts.services.callers import Caller
from messaging.envelopes import read_message
from messaging.errors import MessageInvalid
from messaging.services.batches import Job, Send, run_batch
from messaging.services.log import Placed
from messaging.services.writer import WRITER
from securechat_sdk.wire.errors import ChatError


def message_to_send(
    *,
    caller: Caller,
    conversation_id: UUID,
    message_id: UUID,
    ciphertext: bytes,
    lifetime: int | None = None,
) -> Send:
    """Read the envelope, for which no row is needed; raises `MessageInvalid`."""
    message = read_message(ciphertext)
    if message.group != conversation_id.bytes:
        raise MessageInvalid("The message is of another conversation.")
    return Send(
        caller=caller,
        conversation_id=conversation_id,
        message_id=message_id,
        epoch=message.epoch,
        ciphertext=ciphertext,
        lifetime=lifetime,
    )


def send_message(
    *,
    caller: Caller,
    conversation_id: UUID,
    message_id: UUID,
    ciphertext: bytes,
    lifetime: int | None = None,
) -> Placed:
    """Give the ciphertext its place in the conversation and tell every member device."""
    return place(
        message_to_send(
            caller=caller,
            conversation_id=conversation_id,
            message_id=message_id,
            ciphertext=ciphertext,
            lifetime=lifetime,
        )
    )


def place(job: Job) -> Placed:
    """Have the writer do it; inside a transaction, do it there, as its part."""
    if not connection.in_atomic_block:
        return WRITER.place_and_wait(job)
    (outcome,) = run_batch([job])
    if isinstance(outcome, ChatError):
        raise outcome
    return outcome
