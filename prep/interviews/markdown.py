"""The interview log as a Markdown table: importing one with a preview, exporting it again.

Importing a file twice adds nothing twice. A row is recognised by its date cell, or by date, company and role; a cell
that changed in the file since it was imported changes the log, unless the log was edited there too: then the log's text
stays, and the row says so.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from prep.errors import ImportFailed
from prep.interviews.companies import company_key
from prep.interviews.log import InterviewLog, took_place
from prep.interviews.model import ImportedRow, Interview, InterviewDraft
from prep.interviews.problem import Problem
from prep.interviews.rows import (
    HEADERS,
    ParsedRow,
    column_roles,
    is_interview_table,
    parse_row,
    write_cells,
)
from prep.interviews.tables import Table, TableRow, find_tables, format_table

Status = Literal["new", "present", "changed"]

_HALF_A_YEAR = 183  # days: 12/28 then 1/5 is a new year, 6/18 then 6/9 a row out of order


@dataclass(slots=True)
class ImportRow:
    """A row of the file, and what importing it would do."""

    parsed: ParsedRow
    status: Status = "new"
    existing: Interview | None = None
    changes: dict[str, list[Any]] = field(default_factory=dict)
    """Field -> [in the log, in the file] of what importing would change."""
    conflicts: dict[str, list[Any]] = field(default_factory=dict)
    """Field -> [in the log, in the file] of what both have changed: the log's stays."""
    upcoming: bool = False

    @property
    def line(self) -> int:
        return self.parsed.line

    @property
    def draft(self) -> InterviewDraft:
        return self.parsed.draft

    @property
    def problems(self) -> list[Problem]:
        return self.parsed.problems


@dataclass(slots=True)
class ImportPreview:
    """What importing a file would do; nothing has been written."""

    rows: list[ImportRow]
    empty: int
    """Rows without any text, left out."""
    year: int
    """The year that the first date without one was given."""
    year_given: bool
    kept_columns: list[str]
    """Columns whose meaning is not known: their cells are kept beside each row."""

    @property
    def new(self) -> list[ImportRow]:
        return [row for row in self.rows if row.status == "new"]

    @property
    def changed(self) -> list[ImportRow]:
        return [row for row in self.rows if row.status == "changed"]

    @property
    def already_present(self) -> list[ImportRow]:
        return [row for row in self.rows if row.status == "present"]

    @property
    def unparsed(self) -> list[ImportRow]:
        """Rows of which something stays text."""
        return [row for row in self.rows if row.problems]


@dataclass(slots=True)
class Imported:
    """What an import has written: ids."""

    added: list[str]
    updated: list[str]
    already_present: int


def import_markdown(
    text: str, *, today: date, year: int | None = None, existing: Sequence[Interview] = ()
) -> ImportPreview:
    """Read the interview tables of a Markdown file.

    Args:
        year: of the first date that has none; a table that runs past a New Year goes on into the next. By default the
            latest year in which every row with notes, a feeling or a result lies in the past.
        existing: what the log holds, deleted interviews included.

    Raises:
        ImportFailed: there is no table with a date and something that an interview has.
    """
    all_tables = find_tables(text)
    tables = [table for table in all_tables if is_interview_table(table.columns)]
    if not tables:
        raise _no_table(all_tables)
    filled = [(table, row) for table in tables for row in table.rows if any(row.cells)]
    empty = sum(len(table.rows) for table in tables) - len(filled)
    first_year = today.year if year is None else year
    rows = _dated(filled, first_year)
    while year is None and first_year > today.year - 3 and any(_held_in_future(row, today) for row in rows):
        first_year -= 1
        rows = _dated(filled, first_year)
    preview = ImportPreview(
        rows=[ImportRow(row, upcoming=_is_ahead(row.draft, today)) for row in rows],
        empty=empty,
        year=first_year,
        year_given=year is not None,
        kept_columns=[
            name
            for table in tables
            for i, name in enumerate(table.columns)
            if i not in column_roles(table.columns).values()
        ],
    )
    match_existing(preview, existing)
    return preview


def apply(preview: ImportPreview, log: InterviewLog) -> Imported:
    """Write what the preview shows, in one transaction.

    Raises:
        UsageError: a row cannot be kept; nothing was written.
        StoreError: the database cannot be written; nothing was.
    """
    result = Imported([], [], 0)
    with log.db.transaction():
        # The log may have changed since the preview: another window, another import.
        match_existing(preview, log.all("entered", deleted=True))
        for row in preview.rows:
            if row.status == "new":
                result.added.append(log.add(row.draft))
            elif row.existing is not None and row.status == "changed":
                draft = row.existing.draft()
                for name, (_, value) in row.changes.items():
                    setattr(draft, name, value)
                draft.imported = row.draft.imported
                result.updated.append(log.update(row.existing.id, draft).id)
            else:
                result.already_present += 1
    return result


def export_markdown(interviews: Sequence[Interview], *, lang: str = "en", columns: Sequence[str] | None = None) -> str:
    """The log as a table, in order of entry.

    Rows that were imported come back as they were, cell by cell, where the log has not been edited since.

    Args:
        columns: headers; by default those of the table imported last, or date, notes, feeling and result.
    """
    ordered = sorted(interviews, key=lambda i: i.seq)
    if columns is None:
        imported = [i.imported.columns for i in ordered if i.imported is not None]
        columns = imported[-1] if imported else HEADERS[lang]
    return format_table(columns, [write_cells(i, columns, lang) for i in ordered])


def match_existing(preview: ImportPreview, existing: Sequence[Interview]) -> None:
    """Find out which rows the log has already, and what of them has changed since."""
    by_cell: defaultdict[str, list[Interview]] = defaultdict(list)
    for interview in existing:
        for key in {_cell_key(_when_cell(interview)), _cell_key(_written(interview)["when"])}:
            if key:
                by_cell[key].append(interview)
    taken: set[str] = set()
    for row in preview.rows:
        row.status, row.existing, row.changes, row.conflicts = "new", None, {}, {}
        key = _cell_key(row.draft.when_text or "")
        found = next((i for i in by_cell.get(key, []) if i.id not in taken), None)
        if key == "":  # no date cell: only the very same row is the same
            found = next((i for i in existing if i.id not in taken and i.imported == row.draft.imported), None)
        if found is not None:
            taken.add(found.id)
            row.existing = found
    for row in preview.rows:
        if row.existing is None and row.draft.held_on is not None:
            row.existing = next((i for i in existing if i.id not in taken and _same_occasion(i, row.draft)), None)
            if row.existing is not None:
                taken.add(row.existing.id)
    for row in preview.rows:
        if row.existing is not None:
            _compare(row, row.existing, year_given=preview.year_given)


def _compare(row: ImportRow, interview: Interview, *, year_given: bool) -> None:
    """Three-way: what was imported before, what the file says now, what the log says now."""
    draft = row.draft
    before = _fields_of(interview.imported)
    written = _written(interview)
    theirs = _fields_of(draft.imported)
    for cell, names in (
        ("notes", ["notes_md"]),
        ("feeling", ["feeling_text", "feeling"]),
        ("result", ["result_text", "result"]),
    ):
        if theirs[cell] in (before[cell], written[cell]):
            continue
        pairs = {
            n: [getattr(interview, n), getattr(draft, n)] for n in names if getattr(interview, n) != getattr(draft, n)
        }
        untouched = written[cell] == before[cell]
        (row.changes if untouched else row.conflicts).update(pairs)
    ours, others = interview.held_on, draft.held_on
    if year_given and not row.parsed.has_year and ours and others and ours[4:] == others[4:] and ours != others:
        row.changes["held_on"] = [ours, others]  # imported before with another year assumed
    if interview.deleted_at_ms is not None:
        row.changes, row.conflicts = {}, {}
    row.status = "changed" if row.changes else "present"


def _fields_of(imported: ImportedRow | None) -> dict[str, str]:
    roles = column_roles(imported.columns) if imported is not None else {}
    return {
        name: imported.get(roles.get(name)) if imported is not None else ""
        for name in ("when", "notes", "feeling", "result")
    }


def _written(interview: Interview) -> dict[str, str]:
    """The cells that exporting it would write today."""
    columns = interview.imported.columns if interview.imported is not None else HEADERS["en"]
    cells = write_cells(interview, columns, "en")
    roles = column_roles(columns)
    return {name: cells[roles[name]] if name in roles else "" for name in ("when", "notes", "feeling", "result")}


def _when_cell(interview: Interview) -> str:
    return _fields_of(interview.imported)["when"] or interview.when_text or ""


def _cell_key(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell).casefold().split())


def _same_occasion(interview: Interview, draft: InterviewDraft) -> bool:
    return (
        interview.held_on == draft.held_on
        and company_key(interview.company) == company_key(draft.company)
        and (interview.role or "").casefold() == (draft.role or "").casefold()
        and (interview.held_time is None or draft.held_time is None or interview.held_time == draft.held_time)
    )


def _dated(filled: Sequence[tuple[Table, TableRow]], year: int) -> list[ParsedRow]:
    """Rows with years: a date that falls more than half a year before the row above it belongs to the next year."""
    rows: list[ParsedRow] = []
    last: date | None = None
    for table, table_row in filled:
        row = parse_row(table.columns, table_row, year)
        if row.draft.held_on is not None:
            day = date.fromisoformat(row.draft.held_on)
            if row.has_year:
                year = day.year
            elif last is not None and (last - day).days > _HALF_A_YEAR:
                year += 1
                row = parse_row(table.columns, table_row, year)
                day = date.fromisoformat(row.draft.held_on) if row.draft.held_on else day
            last = day
        rows.append(row)
    return rows


def _held_in_future(row: ParsedRow, today: date) -> bool:
    draft = row.draft
    written = draft.notes_md is not None or took_place(draft)
    return written and not row.has_year and draft.held_on is not None and draft.held_on > today.isoformat()


def _is_ahead(draft: InterviewDraft, today: date) -> bool:
    return draft.held_on is not None and draft.held_on >= today.isoformat() and not took_place(draft)


def _no_table(tables: Sequence[Table]) -> ImportFailed:
    hint = "a table needs a column Date (日期) and one of Notes (记录), Feeling (感受), Result (结果), Company (公司)"
    if not tables:
        return ImportFailed("no Markdown table in it", hint=hint)
    seen = "; ".join(f"line {t.line}: {' | '.join(t.columns)}" for t in tables[:3])
    return ImportFailed(f"no interview table in it; tables found: {seen}", hint=hint)
