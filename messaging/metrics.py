"""What is counted of messages: numbers, never whose. Each process counts for itself.

Nothing is done for each socket that a frame goes to: an entry is counted once, with how many it
was handed to.
"""

from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

ACCEPTED = Counter("securechat_entries_accepted", "Entries made durable here.", ["kind"])
DELIVERED = Counter("securechat_entries_delivered", "Entries handed to sockets of this process.")
LAG = Histogram(
    "securechat_delivery_lag_seconds",
    "From being taken in anywhere to being handed to the sockets of this process.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SOCKETS = Gauge("securechat_sockets", "Open sockets of this process.")
CLOSED = Counter("securechat_sockets_closed", "Sockets that this server ended, by code.", ["code"])
WRITER_QUEUE = Gauge("securechat_writer_queue", "Commands that wait to be stored.")
WRITER_QUEUE_BYTES = Gauge("securechat_writer_queue_bytes", "Their bytes.")


def entry_handed_out(sockets: int, accepted_at: datetime) -> None:
    DELIVERED.inc(sockets)
    LAG.observe(max(0.0, (datetime.now(UTC) - accepted_at).total_seconds()))
