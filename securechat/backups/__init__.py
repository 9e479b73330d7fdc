"""One file that holds an installation: its database and its attachments, and none of its keys."""
