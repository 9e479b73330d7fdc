"""Messaging Layer Security (RFC 9420): bytes and values, no I/O, no clock."""
