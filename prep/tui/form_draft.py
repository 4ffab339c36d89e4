"""The interview form that was not saved: kept on disk while it is filled in, for when the terminal goes away."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from prep import paths
from prep.cards.write import write_atomically
from prep.errors import HomeNotWritable


@dataclass(slots=True)
class FormDraft:
    """What stood in the fields."""

    when: str = ""
    company: str = ""
    role: str = ""
    round_kind: str | None = None
    feeling: str | None = None
    questions: list[tuple[str, str | None]] = field(default_factory=list)
    """Text and outcome of each."""


def draft_path() -> Path:
    return paths.data_dir() / "interview-form.json"


def keep(draft: FormDraft) -> None:
    """Write the draft; a folder that cannot be written costs the copy, not the form."""
    with suppress(HomeNotWritable):
        write_atomically(draft_path(), json.dumps(asdict(draft), ensure_ascii=False))


def forget() -> None:
    """The form was saved or thrown away."""
    with suppress(OSError):
        draft_path().unlink(missing_ok=True)


def kept() -> FormDraft | None:
    """The draft of a form that was neither saved nor thrown away; None without one that can be read."""
    try:
        values = json.loads(draft_path().read_text(encoding="utf-8"))
        questions = [(str(text), outcome and str(outcome)) for text, outcome in values.pop("questions")]
        return FormDraft(**values, questions=questions)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
