"""`prep log` as a person calls it: through `prep.cli.main`, with its output, its exit status, and what is kept."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep.cells import cell_width
from prep.cli import main

NOTES = Path(__file__).parents[1] / "data" / "interviews" / "notes.md"


@dataclass
class Result:
    status: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `prep log ...` in this process, without a terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: object) -> Result:
        try:
            main(["log", *map(str, args)])
            status = 0
        except SystemExit as e:
            status = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(status, captured.out, captured.err)

    return run


def listed(run: Run, *args: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("list", "--json", *args).out)["interviews"]
    return found


def test_add_list_show_result(run: Run) -> None:
    added = run(
        "add", "--company", "云杉", "--role", "推理", "--date", "5/19/2026 20：00", "--round", "2", "--kind", "Coding",
        "--minutes", "60", "--feeling", "3", "--notes", "写 softmax", "--interviewers", "L. Fern",
        "-q", "softmax 手撕 :: nailed", "-q", "碎片? :: 1",
    )  # fmt: skip
    assert (added.status, added.err) == (0, "")
    assert added.out == "logged as 1: 2026-05-19 20:00  云杉  推理  2 coding  pending\n"
    (one,) = listed(run)
    assert (one["held_on"], one["held_time"], one["feeling"], one["minutes"], one["upcoming"]) == (
        "2026-05-19", "20:00", 3, 60, False,
    )  # fmt: skip
    assert run("result", "1", "fail", "--on", "2026-05-25").out.startswith("saved 1: 2026-05-19 20:00  云杉")
    shown = run("show", "1")
    for text in (
        "2026-05-19 20:00",
        "L. Fern",
        "写 softmax",
        "softmax 手撕  [nailed]",
        "碎片?  [failed]",
        "rejected, 2026-05-25",
    ):
        assert text in shown.out, text
    assert "result: pending → fail" in shown.out
    record = json.loads(run("show", "1", "--json").out)
    assert [q["outcome"] for q in record["questions"]] == ["nailed", "failed"]


def test_results_in_ones_own_words(run: Run) -> None:
    run("add", "--company", "A", "--date", "2026-05-19", "--result", "测评挂")
    assert [(i["result"], i["result_text"]) for i in listed(run)] == [("fail", "测评挂")]
    run("result", "1", "offer")
    assert [(i["result"], i["result_text"]) for i in listed(run)] == [("offer", None)]


def test_a_date_defaults_to_today(run: Run) -> None:
    from prep.clock import now

    run("add", "--company", "A")
    assert listed(run)[0]["held_on"] == now().local().date().isoformat()


def test_the_list_puts_what_is_to_come_first(run: Run) -> None:
    for company, when in (
        ("past", "2020-01-01"),
        ("far", "2999-01-01"),
        ("near", "2998-01-01"),
        ("later", "2021-01-01"),
    ):
        run("add", "--company", company, "--date", when)
    assert [i["company"] for i in listed(run)] == ["near", "far", "later", "past"]
    lines = run("list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["#", ">3", ">2", "4", "1"]
    assert "upcoming" in lines[1]


def test_nothing_logged_yet(run: Run) -> None:
    assert "prep log add" in run("list").out
    assert json.loads(run("list", "--json").out) == {"schema": 1, "interviews": []}
    assert run().out == run("list").out  # `prep log` alone, without a terminal


def test_the_notes_table_shows_whole(run: Run) -> None:
    """Acceptance 5, on a table of the same form."""
    imported = run("import", NOTES, "--year", "2025", "--yes")
    assert (imported.status, imported.err) == (0, "")
    assert imported.out.splitlines()[-1] == "imported 12, updated 0, already there 0"
    lines = run("list").out.splitlines()
    assert len(lines) == 13
    table = "\n".join(lines)
    for text in (
        "2025-03-12 20:00",
        "云杉",
        "白桦科技",
        "松柏视觉研究院",
        "某国企",
        "后端开发岗 · 上海",
        "rejected (测评挂)",
        "no answer (无后续)",
    ):
        assert text in table, text
    again = run("import", NOTES, "--year", "2025", "--yes")
    assert again.out.splitlines()[-1] == "nothing to import"
    assert len(run("list").out.splitlines()) == 13


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_list_fits_the_terminal_and_marks_what_it_cuts(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: int, lang: str
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8" if lang == "zh" else "C.UTF-8")
    run("import", NOTES, "--year", "2025", "--yes")
    whole = run("list").out.splitlines()
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("list").out.splitlines()
    assert len(lines) == 13
    assert max(map(cell_width, lines)) <= width
    assert ("公司" if lang == "zh" else "COMPANY") in whole[0]
    # Columns begin at the same cell in every row: what stands before the company's column is as wide everywhere.
    for line, full in zip(lines, whole, strict=True):
        for part in line.split("  "):
            assert not part.strip() or part.strip() in full or part.rstrip().endswith("…"), part
    starts = {cell_width(line[: line.index("2025")]) for line in lines[1:]}
    assert len(starts) == 1


def test_a_dry_run_only_previews(run: Run) -> None:
    preview = run("import", NOTES, "--dry-run")
    assert preview.status == 0
    assert "12 new" in preview.out
    assert "nothing was written" in preview.out
    assert listed(run) == []


def test_an_import_without_a_terminal_asks_nobody(run: Run) -> None:
    done = run("import", NOTES)
    assert done.status == 0
    assert "imported 12" in done.out
    assert len(listed(run)) == 12
    assert "nothing to import" in run("import", NOTES).out
    assert len(listed(run)) == 12


@pytest.mark.parametrize(("answer", "kept"), [("y\n", 12), ("n\n", 0), ("\n", 0), ("\x04", 0)])
def test_in_a_terminal_it_asks_first(run: Run, home: Path, answer: str, kept: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "prep", "log", "import", str(NOTES), "--year", "2025"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    answered = False
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not chunk:
            break
        shown += chunk
        if not answered and b"[y/N]" in shown:
            answered = True
            os.write(ours, answer.encode())
    os.close(ours)
    status = process.wait(timeout=60)
    text = shown.decode()
    assert "Import 12 new and 0 changed rows?" in text
    assert "Traceback" not in text
    assert (status == 0) == bool(kept)
    assert len(listed(run)) == kept


def test_the_preview_shows_rows_problems_and_what_is_there(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "log.md"
    head = "| Date | Company | Notes | Feeling | Result | Pay |\n|-|-|-|-|-|-|\n"
    file.write_text(head + "| 5/1/2026 | Alder | a | | | |\n", encoding="utf-8")
    run("import", file, "--yes")
    file.write_text(
        head + "| 5/1/2026 | Alder | a | | passed | |\n| 2/30 | Birch | b | ok | hm | 9 |\n|||||||\n", encoding="utf-8"
    )
    lines = run("import", file, "--yes").out.splitlines()
    assert lines[0].endswith("log.md: 1 new, 1 changed, 0 already there; 1 empty rows left out")
    text = "\n".join(lines)
    for part in (
        "columns kept as text beside each row: Pay", "changed   2026-05-01  Alder", "result: pending → pass",
        "new row   2/30  Birch", "Notes: b", "Feeling: ok",
        "line 4  '2/30': 2/30 is not a date; result 'hm' is not known",
        "imported 1, updated 1, already there 0",
    ):  # fmt: skip
        assert part in text, part
    assert "Pay: 9" in run("show", "2").out


def test_chinese_is_spoken_too(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    file = tmp_path / "log.md"
    file.write_text("| 日期 | 记录 |\n|-|-|\n| 2/30 云杉 | b |\n", encoding="utf-8")
    preview = run("import", file, "--dry-run")
    assert "新增 1" in preview.out
    assert "2/30 不是日期" in preview.out
    assert "没有写入任何内容" in preview.out
    assert run("add", "--company", "云杉", "--date", "2026-01-01").out == "已记录为 1： 2026-01-01  云杉  等结果\n"
    assert "经过" in run("show", "1").out


def test_markdown_and_jsonl_come_back(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("import", NOTES, "--year", "2025", "--yes")
    run("add", "--company", "Alder", "--date", "2026-01-02", "-q", "a | b? :: failed")
    markdown, jsonl = tmp_path / "out.md", tmp_path / "out.jsonl"
    assert "13 interviews" in run("export", markdown).out
    assert run("export", jsonl).status == 0
    assert run("export").out == markdown.read_text(encoding="utf-8")
    assert run("export", "--format", "jsonl").out == jsonl.read_text(encoding="utf-8")
    table = NOTES.read_text(encoding="utf-8").split("## 面试记录")[1].splitlines()
    exported = [[c.strip() for c in line.split(" | ")] for line in run("export").out.splitlines()]
    assert [[c.strip() for c in line.split(" | ")] for line in table if "/" in line] == exported[2:-1]

    monkeypatch.setenv("PREP_HOME", str(tmp_path / "other"))
    assert run("import", jsonl).out == "imported 13, updated 0, already there 0\n"
    assert run("export", "--format", "jsonl").out == jsonl.read_text(encoding="utf-8")
    assert run("import", jsonl).out == "imported 0, updated 0, already there 13\n"
    assert run("import", markdown, "--yes").out.splitlines()[-1] == "nothing to import"


def test_redaction(run: Run, tmp_path: Path) -> None:
    run(
        "add",
        "--company",
        "云杉",
        "--interviewers",
        "L. Fern",
        "--notes",
        "云杉: L. Fern asked",
        "--date",
        "2026-01-02",
    )
    for form in ("md", "jsonl"):
        out = run("export", "--format", form, "--redact").out
        assert "Company 1" in out
        assert "云杉" not in out
        assert "Fern" not in out


def test_an_export_never_replaces_a_file_unasked(run: Run, tmp_path: Path) -> None:
    run("add", "--company", "A", "--date", "2026-01-02")
    file = tmp_path / "notes.md"
    file.write_text("my notes", encoding="utf-8")
    refused = run("export", file)
    assert (refused.status, file.read_text(encoding="utf-8")) == (2, "my notes")
    assert "--force" in refused.err
    assert run("export", file, "--force").status == 0
    assert "2026-01-02 A" in file.read_text(encoding="utf-8")
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []


def test_deleting_and_bringing_back(run: Run) -> None:
    run("add", "--company", "A", "--date", "2026-01-02")
    assert "prep log undelete 1" in run("delete", "1").err
    assert listed(run) == []
    assert len(listed(run, "--all")) == 1
    assert "deleted" in run("list", "--all").out
    run("undelete", "1")
    assert len(listed(run)) == 1


def editor(folder: Path, script: str) -> str:
    """An editor that runs Python `script` with `path` and `text` at hand."""
    file = folder / "editor.py"
    file.write_text(
        f"import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text(encoding='utf-8')\n{script}\n",
        encoding="utf-8",
    )
    return f"'{sys.executable}' '{file}'"


def test_editing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path) -> None:
    run("add", "--company", "云杉", "--date", "2026-01-02", "--notes", "eins", "-q", "a :: failed")
    question = json.loads(run("show", "1", "--json").out)["questions"][0]["id"]
    script = """
text = text.replace('eins', 'zwei\\n\\n# drei').replace('a :: failed', 'a :: nailed')
path.write_text(text, encoding='utf-8')
"""
    monkeypatch.setenv("EDITOR", editor(tmp_path, script))
    assert run("edit", "1").out == "saved 1: 2026-01-02  云杉  pending\n"
    record = json.loads(run("show", "1", "--json").out)
    assert record["notes_md"] == "zwei\n\n# drei"
    assert [(q["id"], q["outcome"]) for q in record["questions"]] == [(question, "nailed")]
    monkeypatch.setenv("EDITOR", "true")
    assert run("edit", "1").out == "1 is unchanged\n"
    assert list((home / "data" / "edits").iterdir()) == []


def test_a_broken_edit_is_kept_and_can_be_gone_on_with(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    run("add", "--company", "云杉", "--date", "2026-01-02", "--notes", "eins")
    script = """
text = text.replace('feeling:', 'feeling: 9').replace('eins', 'a whole evening of notes')
path.write_text(text, encoding='utf-8')
"""
    monkeypatch.setenv("EDITOR", editor(tmp_path, script))
    failed = run("edit", "1")
    assert failed.status == 1
    assert "feeling 9 is not between 1 and 5" in failed.err
    (kept,) = (home / "data" / "edits").iterdir()
    assert str(kept) in failed.err
    assert "a whole evening of notes" in kept.read_text(encoding="utf-8")
    assert listed(run)[0]["notes_md"] == "eins"
    run("edit", "1")
    assert len(list((home / "data" / "edits").iterdir())) == 2  # the next one does not overwrite it
    kept.write_text(kept.read_text(encoding="utf-8").replace("feeling: 9", "feeling: 4"), encoding="utf-8")
    assert run("edit", "1", "--file", kept).status == 0
    assert (listed(run)[0]["feeling"], listed(run)[0]["notes_md"]) == (4, "a whole evening of notes")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("path.write_text(text + 'more', encoding='utf-8'); sys.exit(3)", "ended with status 3"),
        ("path.write_bytes(b'\\xff\\xfe')", "not text in UTF-8"),
        ("path.write_text('', encoding='utf-8')", "between two lines ---"),
        ("path.unlink()", "no such file"),
    ],
)
def test_an_editor_that_goes_wrong_changes_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, message: str
) -> None:
    run("add", "--company", "云杉", "--date", "2026-01-02")
    before = listed(run)
    monkeypatch.setenv("EDITOR", editor(tmp_path, script))
    failed = run("edit", "1")
    assert failed.status in (1, 2)
    assert message in failed.err
    assert listed(run) == before


@pytest.mark.parametrize("command", ["/no/such/editor", "'unfinished", "/"])
def test_an_editor_that_cannot_start(run: Run, monkeypatch: pytest.MonkeyPatch, home: Path, command: str) -> None:
    run("add", "--company", "A", "--date", "2026-01-02")
    monkeypatch.setenv("EDITOR", command)
    failed = run("edit", "1")
    assert failed.status == 2
    assert "editor" in failed.err
    assert not any((home / "data").glob("edits/*"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["add"], "an interview needs a company"),
        (["add", "--feeling", "3"], "an interview needs a company"),
        (["add", "--company", " "], "an interview needs a company"),
        (["add", "--company", "A", "--feeling", "9"], "feeling 9 is not between 1 and 5"),
        (["add", "--company", "A", "--feeling", "good"], "feeling 'good' is not a whole number"),
        (["add", "--company", "A", "--round", "-1"], "round -1 is less than 1"),
        (["add", "--company", "A", "--kind", "chat"], "kind of round 'chat' is unknown"),
        (["add", "--company", "A", "--date", "2/30"], "date '2/30' is not a date"),
        (["add", "--company", "A", "--date", "5/19 Alder"], "date '5/19 Alder' is not a date"),
        (["add", "--company", "A", "--date", "5/19 25:00"], "25:00 is not a time"),
        (["add", "--company", "A", "--time", "25:00"], "time '25:00' is not a time"),
        (["add", "--company", "A", "--time", "5/19"], "time '5/19' is not a time"),
        (["add", "--company", "A", "--result", "won"], "result 'won' is unknown"),
        (["add", "--company", "A", "-q", "a :: faild"], "outcome 'faild' is unknown"),
        (["add", "--company", "A", "-q", " "], "a question has no text"),
        (["show", "7"], "no interview '7'"),
        (["edit", "7"], "no interview '7'"),
        (["delete", "zz"], "no interview 'zz'"),
        (["result", "7", "pass"], "no interview '7'"),
        (["result", "1", "won"], "result 'won' is unknown"),
        (["result", "1", "pass", "--on", "2/30"], "date '2/30' is not a date"),
        (["import", "missing.md"], "no such file"),
        (["import", "."], "a folder, not a file"),
        (["import", "x.md", "--year", "later"], "year 'later' is not a whole number"),
        (["import", "x.md", "--year", "26"], "year 26 is out of range"),
        (["export", "--format", "pdf"], "format 'pdf' is unknown"),
        (["export", "x.pdf"], "format 'pdf' is unknown"),
        (["export", "/no/such/folder/x.md"], "cannot be written"),
        (["edit", "1", "--file", "missing.md"], "no such file"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_clear_line_and_status_2(run: Run, args: list[str], message: str) -> None:
    if args[:2] != ["add"] and "1" in args:
        run("add", "--company", "A", "--date", "2026-01-02")
    before = listed(run, "--all")
    failed = run(*args)
    assert failed.status == 2
    assert failed.out == ""
    assert failed.err.startswith("prep: ")
    assert message in failed.err.splitlines()[0]
    assert len(failed.err.splitlines()) <= 2  # the line, and what to do
    assert listed(run, "--all") == before


def test_the_example_in_the_message_works(run: Run) -> None:
    import shlex

    hint = run("add").err.split("for example: prep log ")[1]
    assert run(*shlex.split(hint)).status == 0


def test_an_ambiguous_prefix_names_the_candidates(run: Run) -> None:
    run("add", "--company", "A")
    run("add", "--company", "B")
    failed = run("show", "0")
    assert failed.status == 2
    assert "say which by its number: 1, 2" in failed.err
    assert run("show", str(listed(run)[0]["id"])).status == 0


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.md", b"", "no Markdown table in it"),
        ("x.md", "没有表格".encode(), "no Markdown table in it"),
        ("x.md", b"| a | b |\n|-|-|\n| 1 | 2 |\n", "no interview table in it; tables found: line 1: a | b"),
        ("x.md", "| 日期 | 记录 |\n".encode("gb18030"), "not text in UTF-8"),
        ("x.md", "| a |".encode("utf-16"), "not text in UTF-8"),
        ("x.md", b"\x7fELF\x00\x01\xff\xfe", "not text in UTF-8"),
        ("x.md", b"| Date |\x00\n", "not a text file"),
        ("x.jsonl", b"", "empty"),
        ("x.jsonl", b'{"type": "prep-log", "version": 1}\n\n{"type": ', "not JSON"),
        ("x.jsonl", b'{"type": "prep-log", "version": 1}\n[]\n', "not a JSON object"),
        ("x.jsonl", b'{"a": 1}\n', "not a prep log"),
        ("x.jsonl", b'{"type": "prep-log", "version": 9}\n', "newer prep"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line_and_status_1(
    run: Run, tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    run("add", "--company", "A", "--date", "2026-01-02")
    file = tmp_path / name
    file.write_bytes(data)
    failed = run("import", file, "--yes")
    assert (failed.status, failed.out) == (1, "")
    first = failed.err.splitlines()[0]
    assert first.startswith(f"prep: {file}")
    assert message in first
    if message == "not JSON":
        assert first.startswith(f"prep: {file}:3: ")
    assert [i["company"] for i in listed(run)] == ["A"]


def test_a_gb18030_file_is_told_how_to_become_utf8(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_bytes("| 日期 | 记录 |\n".encode("gb18030"))
    assert "iconv -f GB18030" in run("import", file).err


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads and writes everything")
def test_a_file_or_home_without_permission(run: Run, tmp_path: Path, home: Path) -> None:
    file = tmp_path / "x.md"
    file.write_text("x", encoding="utf-8")
    file.chmod(0)
    assert "cannot be read" in run("import", file).err
    run("add", "--company", "A")
    (home / "data").chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert run("add", "--company", "B").status == 1
        assert len(listed(run)) == 1
    finally:
        (home / "data").chmod(0o755)


def test_a_locked_database_loses_nothing(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run("add", "--company", "A", "--date", "2026-01-02", "--notes", "eins")
    monkeypatch.setattr("prep.store.database.BUSY_TIMEOUT_MS", 50)
    monkeypatch.setenv("EDITOR", editor(tmp_path, "path.write_text(text.replace('eins', 'zwei'), encoding='utf-8')"))
    holder = sqlite3.connect(home / "data" / "prep.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        failed = run("edit", "1")
        assert failed.status == 1
        (kept,) = (home / "data" / "edits").iterdir()
        assert str(kept) in failed.err
        assert "zwei" in kept.read_text(encoding="utf-8")
        assert run("add", "--company", "B").status == 1
        assert len(listed(run)) == 1  # reading goes on
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert run("edit", "1", "--file", kept).status == 0
    assert listed(run)[0]["notes_md"] == "zwei"


def test_help_and_the_log_import_neither_textual_nor_rich_nor_torch(home: Path) -> None:
    code = (
        "import sys\nfrom prep.cli import main\n"
        "for args in (['log', 'add', '--company', 'A'], ['log', 'list']):\n"
        "    try:\n        main(args)\n    except SystemExit as e:\n        assert not e.code, e.code\n"
        "print(sorted({'textual', 'rich', 'torch', 'triton', 'numpy', 'prep.tui'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_dash_is_the_terminal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("import", NOTES, "--year", "2025")
    assert run("export", "-").out == run("export").out
    assert list(tmp_path.glob("-")) == []


@pytest.mark.parametrize(
    ("given", "number", "kind"),
    [(["--round", "coding"], None, "coding"), (["--round", "Coding"], None, "coding"), (["--round", "2"], 2, None)],
)
def test_a_round_is_a_number_or_a_kind(run: Run, given: list[str], number: int | None, kind: str | None) -> None:
    assert run("add", "--company", "Example", *given, "-q", "paged attention :: failed").status == 0
    (interview,) = listed(run)
    assert (interview["round_no"], interview["round_kind"]) == (number, kind)


def test_a_round_that_is_neither_is_told(run: Run) -> None:
    for wrong in (["--round", "coded"], ["--round", "coding", "--kind", "system"]):
        assert run("add", "--company", "Example", *wrong).status == 2
    assert listed(run) == []
