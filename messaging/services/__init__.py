"""What can be done: one verb per function, one noun per file."""
