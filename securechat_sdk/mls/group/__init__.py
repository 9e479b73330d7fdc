"""RFC 9420 sections 11 and 12 as a member sees them. No server imports this package.

A `Group` is a value. Every operation returns the next one and leaves the old one as it was:

    create.create_group         a group of one
    join.join                   by a Welcome
    outside.join_from_outside   by an external commit
    commit.commit               a commit, and the group to keep if it is accepted
    process.process             what a message says, and the group after it
    messages.encrypt            application data
    messages.propose            a proposal on its own
    successors                  ReInit and branch
    storage                     to bytes and back

Keep the state that an operation returns before anything that it returns is sent.
"""
