"""What everyone may know of a group, and every rule that needs no secret to be checked.

A server keeps a `PublicGroup` and checks with it; a member's `Group` is built on the same.
"""
