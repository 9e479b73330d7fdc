"""Speak to a SecureChat server from Python."""
