"""Runs inside the child process only: the submission, and everything that watches it."""
