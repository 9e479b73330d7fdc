"""An S3-compatible store in a process of its own, which checks signatures as Amazon's does."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import services

from benchmarks.product import listens

SECONDS_TO_START = 60
BUCKET = "files"
CALLS_TO_PREPARE = 4  # see `_prepare`; from then on it wants signatures
MAY = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"]


@dataclass(frozen=True)
class Bucket:
    """Where a bucket is, and who may use it."""

    endpoint: str
    name: str
    key: str
    secret: str

    def options(self, **changes: str) -> dict[str, Any]:
        """Say it as django-storages wants to hear it."""
        return {
            "endpoint_url": self.endpoint,
            "bucket_name": self.name,
            "access_key": self.key,
            "secret_key": self.secret,
            "region_name": "us-east-1",
            "max_memory_size": 1,
            **changes,
        }


def given_bucket(address: str) -> Bucket:
    """Return the bucket at ``http://host:port/bucket``, with boto3's credentials."""
    parts = urlsplit(address)
    return Bucket(
        endpoint=f"{parts.scheme}://{parts.netloc}",
        name=parts.path.strip("/"),
        key=os.environ["AWS_ACCESS_KEY_ID"],
        secret=os.environ["AWS_SECRET_ACCESS_KEY"],
    )


@contextmanager
def own_bucket(log: Path) -> Iterator[Bucket]:
    """Start moto's server with one bucket and one user."""
    port = services.free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    checking = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(CALLS_TO_PREPARE)}
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=checking)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The store did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield _prepare(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


def _prepare(endpoint: str) -> Bucket:
    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="nobody",
            aws_secret_access_key="nothing",
        )

    policy = {"Statement": [{"Effect": "Allow", "Action": MAY, "Resource": "*"}]}
    client("s3").create_bucket(Bucket=BUCKET)
    users = client("iam")
    users.create_user(UserName="server")
    key = users.create_access_key(UserName="server")["AccessKey"]
    users.put_user_policy(
        UserName="server",
        PolicyName="parts",
        PolicyDocument=json.dumps({"Version": "2012-10-17", **policy}),
    )
    return Bucket(endpoint, BUCKET, key["AccessKeyId"], key["SecretAccessKey"])
