"""Messages that pass between parts of the app."""

from __future__ import annotations

from textual.message import Message


class LanguageChanged(Message):
    """The interface's language is another one now: every text has to be shown anew."""

    def __init__(self) -> None:
        super().__init__()
