"""The user's own files, one an exercise: created from the starter, never overwritten."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from prep import paths
from prep.clock import Clock, now
from prep.errors import ContentError, HomeNotWritable
from prep.exercises.spec import Exercise


@dataclass(frozen=True, slots=True)
class Started:
    """What `Workspace.put` did."""

    path: Path
    created: bool
    """False where a file was there already and was left alone."""

    backup: Path | None = None
    """The earlier file, kept beside the new one."""


class Workspace:
    """The folder of the user's kernels.

    Args:
        root: `paths.workspace_dir()` by default; created when the first file is.
        clock: dates the backups.
    """

    def __init__(self, root: Path | None = None, clock: Clock = now) -> None:
        self.root = paths.workspace_dir() if root is None else root
        self._clock = clock

    def file(self, exercise_id: str) -> Path:
        """Where the user's solution lies, whether it exists or not."""
        return self.root / f"{exercise_id}.py"

    def has(self, exercise_id: str) -> bool:
        return self.file(exercise_id).is_file()

    def start(self, exercise: Exercise, force: bool = False) -> Path:
        """The exercise's file, put there by `put` where it was missing."""
        return self.put(exercise, force).path

    def put(self, exercise: Exercise, force: bool = False) -> Started:
        """Put the exercise's starter into the workspace.

        A file that is there already stays as it is; with `force` it is kept under a dated name beside the new one. At
        no moment, not even when the process is killed, is the user's text without a name in the folder.

        Raises:
            HomeNotWritable: the folder or the file cannot be written.
            ContentError: the starter cannot be read.
        """
        path = self.file(exercise.id)
        try:
            starter = exercise.starter_path.read_bytes()
        except OSError as e:
            raise ContentError(f"cannot be read: {e.strerror}", where=exercise.starter_path) from e
        paths.ensure_dir(self.root)
        if path.is_symlink():
            path = path.resolve()  # whoever links the file into a repository of their own keeps the link
        try:
            if not os.path.lexists(path):
                return self._create(path, starter)
            if not force or path.read_bytes() == starter:
                return Started(path, created=False)
            backup = self._keep(path)
            self._replace(path, starter)
            return Started(path, created=True, backup=backup)
        except OSError as e:
            raise HomeNotWritable(
                f"cannot write this file: {e.strerror}",
                where=path,
                hint="make the folder writable, or set PREP_HOME to one that is",
            ) from e

    def _create(self, path: Path, content: bytes) -> Started:
        """Create the file with its whole content at once; one that appeared meanwhile wins."""
        draft = _draft(path, content)
        try:
            _link(draft, path)
        except FileExistsError:
            return Started(path, created=False)
        finally:
            draft.unlink(missing_ok=True)
        return Started(path, created=True)

    def _replace(self, path: Path, content: bytes) -> None:
        draft = _draft(path, content)
        try:
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _keep(self, path: Path) -> Path:
        """Give the file a second, dated name. A link, not a copy: an editor that saves now saves there too."""
        day = self._clock().local().strftime("%Y-%m-%d-%H%M%S")
        for number in range(1, 1000):
            suffix = "" if number == 1 else f"-{number}"
            backup = path.with_name(f"{path.stem}.{day}{suffix}.py")
            try:
                _link(path, backup)
            except FileExistsError:
                continue
            return backup
        raise FileExistsError(errno.EEXIST, "too many backups of one second", str(path))


def _draft(path: Path, content: bytes) -> Path:
    """A finished file of this content in the folder of `path`, under a name of its own."""
    fd, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp's 0600 would hide the file from a group that shares the folder
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _link(source: Path, target: Path) -> None:
    """Give `source` the second name `target`; FileExistsError where it is taken."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as e:
        if e.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV):
            raise
        # exFAT and some network drives have no links: a copy into a name that must not exist yet.
        with source.open("rb") as old, target.open("xb") as new:
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
