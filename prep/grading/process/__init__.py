"""Processes of the judge: how they are started, confined, talked to and ended."""
