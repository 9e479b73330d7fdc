"""RFC 9420 sections 8 and 9: the secrets of an epoch. No server imports this package."""
