"""Everything that travels, as RFC 9420 declares it; no secrets, so a server may read it."""
