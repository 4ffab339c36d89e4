"""What a user can set, in `config.toml` of prep's config folder, and what it is when they did not."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from prep import paths
from prep.errors import ConfigError, HomeNotWritable

Lang = Literal["en", "zh"]

FILE_NAME = "config.toml"


def _default_lang() -> Lang:
    """The first of the variables that POSIX reads for messages decides."""
    value = next((v for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (v := os.environ.get(name))), "")
    return "zh" if value.lower().startswith("zh") else "en"


def _default_editor() -> str:
    """$VISUAL, $EDITOR, or an editor that is there; empty when none is."""
    for name in ("VISUAL", "EDITOR"):
        if os.environ.get(name, "").strip():
            return os.environ[name]
    return next((name for name in ("nano", "vim", "vi") if shutil.which(name)), "")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number here was chosen by judgement unless it says otherwise; the reasons are in CONTRIBUTING.md."""

    lang: Lang = field(default_factory=_default_lang)
    editor: str = field(default_factory=_default_editor)
    """A command line, as in $EDITOR; the file is appended."""

    desired_retention: float = 0.90
    """Chance of recall at which a card comes back; 0.90 shows an always-good card four times in 90 days."""

    maximum_interval: int = 180
    """Days: nobody hunts for a job so long that a longer one would help."""

    new_per_day: int = 12
    sitting_cards: int = 40
    """A sitting's length; with a longer backlog the cards that are best remembered come first, so that none is lost."""

    learning_step_min: int = 10
    relearning_step_min: int = 10
    learn_ahead_min: int = 20
    """A step is shown that much early when nothing else is left."""

    rollover_hour: int = 4
    """The local hour at which a study day begins: who reviews after midnight still reviews today."""

    grades: Literal[2, 4] = 4
    """Four buttons, or only again and good, which costs FSRS almost nothing (log loss 0.3256 instead of 0.3214)."""

    leech_lapses: int = 6
    """So many failures suggest that the card should be rewritten."""

    duration_cap_min: int = 10
    """A longer answer counts as this long: the person went away."""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}, not {value}")
        if self.lang not in ("en", "zh"):
            raise ValueError(f'lang must be "en" or "zh", not {self.lang!r}')
        if self.grades not in (2, 4):
            raise ValueError(f"grades must be 2 or 4, not {self.grades}")


# Retention: below 0.7 a card is mostly forgotten, above 0.97 it comes daily; both bounds as in Anki.
_RANGES: dict[str, tuple[float, float]] = {
    "desired_retention": (0.70, 0.97),
    "maximum_interval": (1, 36500),
    "new_per_day": (0, 9999),
    "sitting_cards": (1, 9999),
    # A step of a day or more would fight with FSRS over who schedules.
    "learning_step_min": (1, 720),
    "relearning_step_min": (1, 720),
    "learn_ahead_min": (0, 720),
    "rollover_hour": (0, 23),
    "leech_lapses": (1, 99),
    "duration_cap_min": (1, 60),
}


def config_path() -> Path:
    return paths.config_dir() / FILE_NAME


def load_settings(path: Path | None = None) -> Settings:
    """The settings of `config.toml`; a file that is not there means the defaults.

    Raises:
        ConfigError: not TOML, an unknown key, or a bad value, with its line.
    """
    path = config_path() if path is None else path
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not UTF-8"
        raise ConfigError(f"cannot read the settings: {reason}", where=path) from e
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        at = re.search(r"\(at line (\d+)", str(e))
        raise ConfigError(
            f"not TOML: {str(e).split(' (at')[0]}",
            where=path,
            line=int(at[1]) if at else None,
            hint='a setting is a line such as: lang = "zh"',
        ) from e
    return _from_table(table, text, path)


def _from_table(table: dict[str, object], text: str, path: Path) -> Settings:
    fields = {f.name: str(f.type) for f in dataclasses.fields(Settings)}
    values: dict[str, object] = {}
    for key, value in table.items():
        line = _line_of(key, text)
        if key not in fields:
            import difflib

            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are: {', '.join(fields)}"
            raise ConfigError(f"unknown setting {key!r}", where=path, line=line, hint=hint)
        wanted, said = _expected(fields[key])
        # bool is an int in Python, not in a settings file.
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ConfigError(f"{key} must be {said}, not {value!r}", where=path, line=line)
        values[key] = float(cast(float, value)) if fields[key] == "float" else value
        try:
            Settings(**{key: values[key]})  # type: ignore[arg-type]
        except ValueError as e:
            raise ConfigError(str(e), where=path, line=line) from e
    return Settings(**values)  # type: ignore[arg-type]


def _expected(annotation: str) -> tuple[tuple[type, ...], str]:
    if annotation == "float":
        return (int, float), "a number"
    if annotation == "int" or annotation.startswith("Literal[2"):
        return (int,), "a whole number"
    return (str,), "a text in quotes"


def _line_of(key: str, text: str) -> int | None:
    pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((n for n, line in enumerate(text.splitlines(), start=1) if pattern.match(line)), None)


def save_lang(lang: Lang, path: Path | None = None) -> None:
    """Keep the language that was chosen; every other line of the file stays as it is.

    Raises:
        HomeNotWritable: the config folder or file cannot be written.
    """
    path = config_path() if path is None else path
    paths.ensure_dir(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        setting = f'lang = "{lang}"'
        for i, line in enumerate(lines):
            if re.match(r"\s*lang\s*=", line):
                lines[i] = setting
                break
        else:
            lines.insert(0, setting)  # above any table, so that it stays a top-level key
        with draft.open("w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as e:
        draft.unlink(missing_ok=True)
        raise HomeNotWritable(
            f"cannot write the settings: {e.strerror}", where=path, hint="make the folder writable, or set PREP_HOME"
        ) from e
