"""Tells schemathesis how to send what no other API has: a part of a file is bytes."""

import schemathesis

schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
