"""Where prep finds its content and keeps what is the user's.

`PREP_HOME` puts config, data, cache and workspace under one folder; without it they follow the platform's customs.
Nothing here creates a folder: whoever writes does, through `ensure_dir`.
"""

from __future__ import annotations

import os
from pathlib import Path

from prep.errors import HomeNotWritable

_PACKAGE = Path(__file__).resolve().parent


def _user_dir(kind: str) -> Path:
    home = os.environ.get("PREP_HOME")
    if home:
        return Path(home).expanduser() / kind
    try:
        import platformdirs  # 5 ms: only where PREP_HOME does not answer already
    except ImportError:  # a rented GPU box: grading runs there from the bare checkout
        base = {"config": ".config", "data": ".local/share", "cache": ".cache"}[kind]
        return Path.home() / base / "prep"
    path = {
        "config": platformdirs.user_config_path,
        "data": platformdirs.user_data_path,
        "cache": platformdirs.user_cache_path,
    }[kind]
    return path("prep", appauthor=False)


def config_dir() -> Path:
    return _user_dir("config")


def data_dir() -> Path:
    return _user_dir("data")


def cache_dir() -> Path:
    return _user_dir("cache")


def workspace_dir() -> Path:
    """Where the user's kernels lie, one file an exercise: typed in daily, so not in a hidden folder."""
    home = os.environ.get("PREP_HOME")
    return Path(home).expanduser() / "workspace" if home else Path.home() / "prep"


def database_path() -> Path:
    return data_dir() / "prep.db"


def backups_dir() -> Path:
    return data_dir() / "backups"


def user_cards_dir() -> Path:
    """The user's own cards, and edited copies of bundled ones; a card here shadows a bundled card of the same id."""
    return data_dir() / "cards"


def bundled_root() -> Path:
    """The folder that holds content/, exercises/ and solutions/: inside the wheel, or the checkout."""
    override = os.environ.get("PREP_BUNDLED")
    if override:
        return Path(override)
    inside_wheel = _PACKAGE / "_bundled"
    return inside_wheel if inside_wheel.is_dir() else _PACKAGE.parent


def is_checkout() -> bool:
    """True when content is edited in place, under version control, not in an installed package."""
    return bundled_root() == _PACKAGE.parent


def content_dir() -> Path:
    return bundled_root() / "content"


def exercises_dir() -> Path:
    return bundled_root() / "exercises"


def solutions_dir() -> Path:
    return bundled_root() / "solutions"


def ensure_dir(path: Path) -> Path:
    """Create `path` and its parents.

    Raises:
        HomeNotWritable: it cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HomeNotWritable(
            f"cannot create this folder: {e.strerror}",
            where=path,
            hint="make it writable, or set PREP_HOME to a folder that is",
        ) from e
    return path
