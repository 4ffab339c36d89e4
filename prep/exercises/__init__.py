"""Exercise specifications, the workspace of the user, progress."""
