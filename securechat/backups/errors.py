class BackupFailed(Exception):
    """Why a backup or restore did not happen, and what to do; for the operator to read."""
