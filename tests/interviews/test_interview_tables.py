"""Finding and writing Markdown tables, cell by cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prep.cells import cell_width
from prep.interviews.tables import decode_cell, encode_cell, find_tables, format_table

cell_texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=12
) | st.sampled_from(
    [
        "a|b",
        "\\|",
        "\\\\|",
        "`a|b`",
        "字节：｜",
        "👨‍👩‍👧 ok",
        "**b**",
        "-",
        "> q",
        "# h",
        "&amp;",
        "\\",
        "|",
        "||",
        "<br>",
    ]
)
cells = cell_texts.map(str.strip)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.tuples(
            st.lists(cells.filter(bool), min_size=n, max_size=n),
            st.lists(st.lists(cells, min_size=n, max_size=n), max_size=4),
        )
    )
)
def test_a_written_table_is_read_back_cell_by_cell(table: tuple[list[str], list[list[str]]]) -> None:
    columns, rows = table
    text = format_table(columns, rows)
    (found,) = find_tables("before\n\n" + text + "\nafter\n")
    assert found.columns == columns
    assert [row.cells for row in found.rows] == rows
    assert len({cell_width(line) for line in text.splitlines()}) == 1


@given(st.text(max_size=40))
def test_a_text_of_several_lines_fits_into_a_cell(text: str) -> None:
    cell = encode_cell(text)
    assert "\n" not in cell
    assert "\r" not in cell
    kept = [line.strip() for line in text.strip().replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if "<br" not in text.lower():
        assert [line.strip() for line in decode_cell(cell).split("\n") if line.strip()] == [k for k in kept if k]


def test_where_tables_are() -> None:
    text = "# One\r\n\r\n| a | b |\r\n|---|:-:|\r\n| 1 | 2 |\r\n\r\n## Two\r\n> | c |\r\n> | - |\r\n> | x \\| y |\r\n"
    one, two = find_tables(text)
    assert (one.line, one.heading, one.columns, [(r.line, r.cells) for r in one.rows]) == (
        3, "One", ["a", "b"], [(5, ["1", "2"])],
    )  # fmt: skip
    assert (two.line, two.heading, [(r.line, r.cells) for r in two.rows]) == (8, "Two", [(10, ["x | y"])])


def test_what_is_no_table() -> None:
    assert find_tables("```\n| a |\n| - |\n| 1 |\n```\n\n| a | b |\n| - |\n\n    | a |\n    | - |\n") == []


def test_cells_beyond_the_header_are_kept() -> None:
    (table,) = find_tables("| a | b |\n| - | - |\n| 1 | 2 | 3 \\| x | 4 |\n| 1 |\n| 1 | 2 | |\n")
    assert [row.cells for row in table.rows] == [["1", "2", "3 | x", "4"], ["1", ""], ["1", "2"]]
    assert format_table(["a", "b"], [["1", "2", "3 | x", "4"]]).splitlines()[2] == "| 1   | 2   | 3 \\| x | 4 |"
