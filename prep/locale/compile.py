"""`python -m prep.locale.compile`: write every catalogue's .mo from its .po.

With `--missing` it prints, as .po entries, the texts that a catalogue lacks.
"""

from __future__ import annotations

import json
import sys

from prep.locale import LOCALES, catalogue_path
from prep.locale.catalogue import compile_mo, parse_po, used_messages


def missing(lang: str) -> str:
    """Empty entries for the texts without a translation, ready to be appended to the .po file."""
    source = catalogue_path(lang, ".po")
    known = (
        {entry.msgid for entry in parse_po(source.read_text(encoding="utf-8"), source)} if source.exists() else set()
    )
    blocks: list[str] = []
    for use in used_messages():
        if use.msgid in known:
            continue
        known.add(use.msgid)
        block = f"msgid {json.dumps(use.msgid, ensure_ascii=False)}\n"
        if use.plural:
            block += f'msgid_plural {json.dumps(use.plural, ensure_ascii=False)}\nmsgstr[0] ""\n'
        else:
            block += 'msgstr ""\n'
        blocks.append(block)
    return "\n".join(blocks)


def main(arguments: list[str]) -> None:
    for lang in LOCALES:
        if "--missing" in arguments:
            print(missing(lang), end="")
            continue
        source = catalogue_path(lang, ".po")
        catalogue_path(lang).write_bytes(compile_mo(parse_po(source.read_text(encoding="utf-8"), source)))


if __name__ == "__main__":
    main(sys.argv[1:])
