"""The store of attachments in an S3-compatible bucket; imported only where one is configured."""

from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage


class PartsInS3(S3Storage):
    """Fails as a disk does, so that the rest of the server knows one kind of failure."""

    # Names and contents are django-storages', which has no types: hence Any.

    def _save(self, name: str, content: Any) -> str:
        try:
            saved: str = super()._save(name, content)
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise OSError("The bucket did not take a part.") from error
        return saved

    def _open(self, name: str, mode: str = "rb") -> Any:
        try:
            return super()._open(name, mode)
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise OSError("The bucket did not give a part.") from error

    def delete(self, name: str) -> None:
        try:
            super().delete(name)
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise OSError("The bucket did not remove a part.") from error
