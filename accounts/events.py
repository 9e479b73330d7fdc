"""What others are told, once it is true for everybody: after the commit."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

# Sent with ``device_ids`` inside the transaction that revokes them, once their rows are locked:
# whatever is to happen together with a revocation happens here.
devices_revoking = Signal()

# Sent with ``device_id`` and ``person_id`` (both UUID) when a device may no longer act. An
# application that holds something open for a device, such as a socket, closes it now.
device_revoked = Signal()

# Sent without more when a session or token may have ended: whoever holds something open for one
# asks `accounts.services.callers.ended_callers`.
access_ended = Signal()

# Sent with ``person``, ``old_password`` and ``new_password`` inside the transaction of the change:
# whatever is sealed under the password is sealed anew, or the change does not happen.
password_changed = Signal()

# Sent with ``request`` and ``person`` inside the transaction in which the person in this session
# has enrolled a one-time code or made recovery codes: a factor that waited for one counts now.
code_enrolled = Signal()


def publish_device_revoked(*, device_id: UUID, person_id: UUID) -> None:
    transaction.on_commit(
        partial(device_revoked.send_robust, sender=None, device_id=device_id, person_id=person_id)
    )


def publish_access_ended() -> None:
    transaction.on_commit(partial(access_ended.send_robust, sender=None))
