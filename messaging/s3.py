"""The store of attachments in an S3-compatible bucket; imported only where one is configured."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

PATIENCE = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 2},
    # A part is authenticated ciphertext; many stores do not know Amazon's newer checksums.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@contextmanager
def _as_a_disk_fails(what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise OSError(f"The bucket did not {what} a part.") from error


class PartsInS3(S3Storage):
    """Fails as a disk does, and soon, so that the rest of the server knows one kind of failure."""

    # Names and contents are django-storages', which has no types: hence Any.

    client_config: Any

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_config = self.client_config.merge(PATIENCE)

    def _save(self, name: str, content: Any) -> str:
        with _as_a_disk_fails("take"):
            saved: str = super()._save(name, content)
        return saved

    def _open(self, name: str, mode: str = "rb") -> Any:
        with _as_a_disk_fails("give"):
            part = super()._open(name, mode)
            part.seek(0)  # fetches it now; it would do so with the first read, and fail there
        return part

    def delete(self, name: str) -> None:
        # django-storages takes a bucket that is not there for a part that is not there.
        with _as_a_disk_fails("remove"):
            self.bucket.Object(name).delete()
