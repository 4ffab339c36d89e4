"""Files that decide a verdict: were they changed while a submission ran?

From isolation level L1 on a worker cannot write outside its folder. Where the machine offers L0 only, a submission
could edit its tolerance or oracle: that run fails, and this judge grades nothing by a changed file until it is as it
was. Nothing is put back here: what changed may as well be an author's own edit.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from prep.errors import ContentError

_PACKAGE = Path(__file__).resolve().parent
_changed: dict[Path, bytes] = {}
"""Files found changed -> the digest that they must have again."""


class Guard:
    """The files of an exercise and of the judge as they are before a submission runs."""

    def __init__(self, exercise: Path) -> None:
        for path, wanted in list(_changed.items()):
            if _digest(path) == wanted:
                del _changed[path]
            elif path.is_relative_to(exercise) or path.is_relative_to(_PACKAGE):
                hint = "put it back as it was, or start prep again if the change is your own"
                raise ContentError("was changed while a submission ran", where=path, hint=hint)
        files = [exercise / "exercise.yaml", exercise / "reference.py", *sorted(_PACKAGE.rglob("*.py"))]
        self._digests = {path: _digest(path) for path in files}

    def changed(self) -> list[Path]:
        """What is no longer as it was."""
        found = {path: digest for path, digest in self._digests.items() if _digest(path) != digest}
        _changed.update(found)
        return list(found)


def _digest(path: Path) -> bytes:
    try:
        return hashlib.blake2b(path.read_bytes()).digest()
    except OSError:
        return b""
