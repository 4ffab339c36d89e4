"""The interface's languages: gettext catalogues, bound to the language when a text is shown, not when a module loads.

English is the source text itself, so that nothing is read from disk for it. A text that stands where no language is
known yet, as in a class's bindings, is marked with `N_` and translated with `gettext` when it is shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gettext import NullTranslations

Lang = Literal["en", "zh"]
LOCALES: dict[str, str] = {"zh": "zh_CN"}
"""Language -> name of its catalogue's folder; English has none."""

LANGUAGE_NAMES: dict[str, str] = {"en": "English", "zh": "中文"}

_language: Lang | None = None
_catalogues: dict[str, NullTranslations] = {}


def catalogue_path(lang: str, suffix: str = ".mo") -> Path:
    """The catalogue of `lang`: `.mo` as it is read, `.po` as it is written."""
    return Path(__file__).parent / LOCALES[lang] / "LC_MESSAGES" / f"prep{suffix}"


def current_language() -> Lang:
    """The language that texts are shown in: what `set_language` set, else the settings', else English."""
    global _language
    if _language is None:
        from prep.errors import ConfigError

        try:
            from prep.settings import load_settings

            _language = "zh" if load_settings().lang == "zh" else "en"
        except ConfigError:
            # The broken file is reported by whoever needs the settings; a message about it needs some language.
            _language = "en"
    return _language


def set_language(lang: str) -> None:
    """Show texts in `lang` from now on; anything but a known language is English."""
    global _language
    _language = "zh" if lang == "zh" else "en"


def other_language(lang: str | None = None) -> Lang:
    """The language that `L` switches to."""
    return "en" if (lang or current_language()) == "zh" else "zh"


def _catalogue() -> NullTranslations | None:
    lang = current_language()
    if lang == "en":
        return None
    if lang not in _catalogues:
        from gettext import GNUTranslations, NullTranslations

        try:
            with catalogue_path(lang).open("rb") as file:
                _catalogues[lang] = GNUTranslations(file)
        except OSError:
            _catalogues[lang] = NullTranslations()
    return _catalogues[lang]


def gettext(message: str) -> str:
    """`message` in the current language."""
    catalogue = _catalogue()
    return message if catalogue is None or not message else catalogue.gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """The form of a message that the number `n` takes in the current language."""
    catalogue = _catalogue()
    if catalogue is None:
        return singular if n == 1 else plural
    return catalogue.ngettext(singular, plural, n)


def N_(message: str) -> str:
    """Mark a text for the catalogue without translating it yet."""
    return message


__all__ = [
    "LANGUAGE_NAMES",
    "LOCALES",
    "N_",
    "Lang",
    "catalogue_path",
    "current_language",
    "gettext",
    "ngettext",
    "other_language",
    "set_language",
]
