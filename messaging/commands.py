"""The table of contents of the live API: one match from command to service."""

from typing import assert_never

from accounts.errors import ScopeMissing
from accounts.models import Scope
from accounts.services.tickets import SocketCaller
from messaging.services.commits import submit_commit
from messaging.services.deliveries import mark_delivered
from messaging.services.messages import send_message
from securechat_sdk.wire.frames import (
    Accepted,
    Command,
    MarkDelivered,
    SendMessage,
    SubmitCommit,
)

SCOPES: dict[type[Command], Scope] = {
    SendMessage: Scope.MESSAGES_WRITE,
    SubmitCommit: Scope.MESSAGES_WRITE,
    MarkDelivered: Scope.MESSAGES_READ,
}


def execute(caller: SocketCaller, command: Command) -> Accepted:
    """Run the command for the caller's device; raises ChatError when it is refused."""
    scope = SCOPES[type(command)]
    if not caller.allows(scope):
        raise ScopeMissing(scope=scope.value)
    device = caller.device
    match command:
        case SendMessage():
            position = send_message(
                device=device,
                conversation_id=command.conversation_id,
                message_id=command.message_id,
                ciphertext=command.ciphertext,
            ).position
        case SubmitCommit():
            position = submit_commit(
                device=device,
                conversation_id=command.conversation_id,
                message_id=command.message_id,
                commit=command.commit,
                welcome=command.welcome,
            ).position
        case MarkDelivered():
            position = mark_delivered(
                device=device, conversation_id=command.conversation_id, position=command.position
            )
        case _:
            assert_never(command)
    return Accepted(request_id=command.request_id, position=position)
