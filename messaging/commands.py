"""The table of contents of the live API: one match from command to service."""

from typing import assert_never

from accounts.errors import ScopeMissing
from accounts.models import Scope
from accounts.services.callers import Caller
from messaging.services.batches import Mark
from messaging.services.commits import Submission, submit_commit
from messaging.services.messages import message_to_send
from messaging.services.proposals import submit_proposal
from messaging.services.writer import WRITER
from messaging.threads import DatabaseThreads
from securechat_sdk.wire.frames import (
    Accepted,
    LogCommand,
    MarkDelivered,
    SendMessage,
    SubmitCommit,
    SubmitProposal,
)

SCOPES: dict[type[LogCommand], Scope] = {
    SendMessage: Scope.MESSAGES_WRITE,
    SubmitCommit: Scope.MESSAGES_WRITE,
    SubmitProposal: Scope.MESSAGES_WRITE,
    MarkDelivered: Scope.MESSAGES_READ,
}


async def execute(caller: Caller, command: LogCommand, threads: DatabaseThreads) -> Accepted:
    """Run the command for the caller's device; raises ChatError when it is refused."""
    scope = SCOPES[type(command)]
    if not caller.allows(scope):
        raise ScopeMissing(scope=scope.value)
    match command:
        case SendMessage():
            send = message_to_send(
                caller=caller,
                conversation_id=command.conversation_id,
                message_id=command.message_id,
                ciphertext=command.ciphertext,
                lifetime=command.lifetime,
            )
            placed = await WRITER.place(send)
        case SubmitCommit():
            placed = await threads.run(
                submit_commit,
                caller=caller,
                submission=Submission(
                    conversation_id=command.conversation_id,
                    message_id=command.message_id,
                    commit=command.commit,
                    group_info=command.group_info,
                    welcome=command.welcome,
                ),
            )
        case SubmitProposal():
            placed = await threads.run(
                submit_proposal,
                caller=caller,
                conversation_id=command.conversation_id,
                message_id=command.message_id,
                proposal=command.proposal,
            )
        case MarkDelivered():
            mark = Mark(
                caller=caller,
                conversation_id=command.conversation_id,
                position=command.position,
            )
            placed = await WRITER.place(mark)
        case _:
            assert_never(command)
    return Accepted(request_id=command.request_id, position=placed.position)
