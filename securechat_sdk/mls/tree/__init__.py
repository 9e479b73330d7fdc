"""RFC 9420 sections 4 and 7: the ratchet tree.

`private` is the half with keys in it; a server imports the other modules and never that one.
"""
