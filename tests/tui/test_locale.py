"""The Chinese catalogue is whole, and the check that says so can say no."""

from __future__ import annotations

import gettext as stdlib
import io
import shutil
from pathlib import Path

import pytest

from prep.errors import ContentError
from prep.locale import N_, catalogue_path, current_language, gettext, ngettext, other_language, set_language
from prep.locale.catalogue import PACKAGE, check_translations, compile_mo, parse_po, used_messages
from prep.locale.compile import main, missing

PO = """\
# a comment
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=1; plural=0;\\n"

msgid "leave"
msgstr "离开"

#, fuzzy
msgid "unsure"
msgstr "不确定"

msgid "{n} card"
msgid_plural "{n} cards"
msgstr[0] "{n} 张"
msgstr "broken"
""".replace('msgstr "broken"\n', "")


def test_every_text_of_the_interface_is_translated() -> None:
    assert [str(fault) for fault in check_translations()] == []
    assert len({use.msgid for use in used_messages()}) > 200


def test_texts_follow_the_language() -> None:
    assert gettext("leave") == "leave"
    set_language("zh")
    assert gettext("leave") == "离开"
    assert ngettext("{n} card", "{n} cards", 3) == "{n} 张卡片"
    assert gettext("a text that no catalogue has") == "a text that no catalogue has"
    assert gettext("") == ""
    assert N_("leave") == "leave"
    assert (current_language(), other_language()) == ("zh", "en")
    set_language("xx")
    assert current_language() == "en"
    assert ngettext("{n} card", "{n} cards", 1) == "{n} card"


def test_a_compiled_catalogue_is_what_gettext_reads() -> None:
    entries = parse_po(PO, Path("x.po"))
    catalogue = stdlib.GNUTranslations(io.BytesIO(compile_mo(entries)))
    assert catalogue.gettext("leave") == "离开"
    assert catalogue.ngettext("{n} card", "{n} cards", 2) == "{n} 张"
    assert catalogue.gettext("unsure") == "unsure", "a fuzzy translation is not shown"


@pytest.mark.parametrize(
    ("text", "line"),
    [('"no message"\n', 1), ("msgid leave\n", 1), ('msgid "a"\nmsgfoo "b"\n', 2), ('msgstr "a"\n', 1)],
)
def test_a_broken_catalogue_is_a_fault_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ContentError) as raised:
        parse_po(text, Path("x.po"))
    assert raised.value.line == line


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of one module and the catalogue above."""
    root = tmp_path / "prep"
    for folder in ("tui", "cli", "locale"):
        (root / folder).mkdir(parents=True)
    (root / "tui" / "one.py").write_text(
        'from x import _, N_, ngettext\n_("leave")\nN_("unsure")\nngettext("{n} card", "{n} cards", 1)\n'
    )
    catalogue = root / catalogue_path("zh").parent.relative_to(PACKAGE)
    catalogue.mkdir(parents=True)
    (catalogue / "prep.po").write_text(PO.replace("#, fuzzy\n", ""))
    (catalogue / "prep.mo").write_bytes(compile_mo(parse_po((catalogue / "prep.po").read_text(), catalogue)))
    return root


def po(package: Path) -> Path:
    return package / catalogue_path("zh", ".po").relative_to(PACKAGE)


def messages(package: Path) -> str:
    return "\n".join(fault.message for fault in check_translations(package))


def test_a_whole_catalogue_has_no_faults(package: Path) -> None:
    assert messages(package) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("离开", ""), "no zh translation of 'leave'"),
        (('msgid "unsure"', '#, fuzzy\nmsgid "unsure"'), "marked fuzzy"),
        (('msgid "leave"', 'msgid "leave it"'), "not used any more"),
        (("{n} 张", "几张"), "fields in braces"),
        (("{n} cards", "{n} cardz"), "another plural"),
        (('msgid "leave"', "msgid leave"), "not a quoted string"),
        (("离开", "走"), "python -m prep.locale.compile"),
    ],
)
def test_each_fault_is_found(package: Path, change: tuple[str, str], said: str) -> None:
    text = po(package).read_text()
    assert change[0] in text
    po(package).write_text(text.replace(*change))
    assert said in messages(package)


def test_a_new_text_is_missing_with_its_place(package: Path) -> None:
    module = package / "cli" / "two.py"
    module.write_text('x = 1\nprint(_("never translated"))\n')
    (fault,) = check_translations(package)
    assert (fault.path, fault.line) == (module, 2)


def test_compile_writes_the_same_bytes_and_lists_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = shutil.copy(catalogue_path("zh"), tmp_path)
    main([])
    assert catalogue_path("zh").read_bytes() == Path(before).read_bytes()
    main(["--missing"])
    assert capsys.readouterr().out == ""
    assert missing("zh") == ""
