"""The published RFC 9420 test vectors: `python -m securechat_sdk.mls.vectors FILE...`."""
