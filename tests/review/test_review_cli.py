"""prep today, due, review and doctor, called as from a shell."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prep.cells import cell_width
from prep.cli import main
from prep.interviews.log import InterviewLog
from prep.interviews.model import InterviewDraft, Question
from prep.locale import set_language
from prep.store.backup import backups
from prep.store.database import Database

CARD = """---
id: {id}
area: {area}
tags: [one]
level: 1
origin: [notes:Q1]
exercises: []
aliases: []
sources:
  - title: A paper
    url: https://example.org/paper
    locator: section 2
    checked: 2026-11-22
---
# en
## Q
What is {id}?
## A
The answer of {id}.
### Key points
- [ ] point one
- [ ] point two
- [ ] point three
### Details
The details.
### Pitfalls
The pitfalls.
### Follow-ups
- Another one.
# zh
## Q
{id} 是什么？
## A
{id} 的回答。
### Key points
- [ ] 要点一
- [ ] 要点二
- [ ] 要点三
### Details
细节。
### Pitfalls
误区。
### Follow-ups
- 另一个问题。
"""

Prep = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bundle(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three cards and no exercise, in place of what prep ships."""
    root = tmp_path / "bundle"
    (root / "exercises").mkdir(parents=True)
    for card_id, area in (("alpha", "triton"), ("beta", "cuda"), ("gamma", "triton")):
        path = root / "content" / area / f"{card_id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CARD.format(id=card_id, area=area), encoding="utf-8")
    monkeypatch.setenv("PREP_BUNDLED", str(root))
    return root


@pytest.fixture
def prep(bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Prep:
    """prep(*arguments, stdin=..., lang=...) -> exit status, stdout, stderr."""

    def run(*arguments: str, stdin: str = "", lang: str = "en") -> tuple[int, str, str]:
        set_language(lang)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as exit_:
            main(list(arguments))
        captured = capsys.readouterr()
        code = exit_.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return run


def log_of(home: Path) -> list[tuple[Any, ...]]:
    with Database.open(readonly=True) as db:
        return db.execute("SELECT card_id, rating, face, undone_at_ms NOT NULL FROM reviews ORDER BY rowid").fetchall()


def test_due_counts_and_its_exit_status(prep: Prep, home: Path) -> None:
    status, out, err = prep("due")
    assert (status, out, err) == (0, "3 new · about 3 min\n", "")
    status, out, _ = prep("due", "--json")
    found = json.loads(out)
    assert (status, found["new"], found["total"], found["minutes"]) == (0, 3, 3, 3)
    prep("review", "--plain", stdin="\n4\n\n4\n\n4\n")
    status, out, _ = prep("due")
    assert status == 1
    assert out.startswith("No card is due until ")
    status, out, _ = prep("due", "--json")
    assert (status, json.loads(out)["total"]) == (1, 0)
    assert json.loads(out)["next_due_ms"] > 0


def test_looking_creates_no_database(prep: Prep, home: Path) -> None:
    for command in (["due"], ["today"], ["today", "--json"], ["doctor"]):
        prep(*command)
    assert not (home / "data").exists()


def test_a_sitting_through_a_pipe(prep: Prep, home: Path) -> None:
    status, out, err = prep("review", stdin="\n3\n\n1\n\n４\n")
    assert (status, err) == (0, "")
    rows = log_of(home)
    assert [(rating, face, undone) for _, rating, face, undone in rows] == [(3, "en", 0), (1, "en", 0), (4, "en", 0)]
    assert {card for card, *_ in rows} == {"alpha", "beta", "gamma"}
    first = rows[0][0]
    assert out.index(f"What is {first}?") < out.index("Enter reveal") < out.index(f"The answer of {first}.")
    assert "- point two" in out
    assert "A paper section 2" in out
    assert "1 again 10 min · 2 hard 15 min · 3 good 2 d" in out
    assert "3 answers, 2 recalled, 1 min." in out
    assert "The details." not in out


def test_the_end_of_input_leaves_and_keeps_everything(prep: Prep, home: Path) -> None:
    status, out, _ = prep("review", stdin="\n3\n\n")
    assert status == 0
    assert len(log_of(home)) == 1
    assert "2 cards left today." in out


def test_a_grade_before_the_answer_is_not_taken(prep: Prep, home: Path) -> None:
    _, out, _ = prep("review", stdin="3\n4\nq\n")
    assert log_of(home) == []
    assert "First the answer" in out
    assert "The answer" not in out


def test_nonsense_is_asked_again(prep: Prep, home: Path) -> None:
    _, out, _ = prep("review", stdin="\n7\nx\n\n2\nq\n")
    assert [row[1] for row in log_of(home)] == [2]
    assert out.count("One of: 1 2 3 4") == 3


def test_undo_asks_the_card_again_even_after_a_restart(prep: Prep, home: Path) -> None:
    prep("review", stdin="\n1\nq\n")
    (card, *_), *_ = log_of(home)
    _, out, _ = prep("review", stdin="u\n\n3\nq\n")
    assert f"Undone: {card} (again)." in out
    assert [(row[0], row[1], row[3]) for row in log_of(home)] == [(card, 1, 1), (card, 3, 0)]
    _, out, _ = prep("review", stdin="u\nu\nq\n")
    assert "There is nothing to undo." in out


def test_the_language_switches_within_a_card(prep: Prep, home: Path) -> None:
    _, out, _ = prep("review", stdin="l\n\nm\n3\nq\n")
    (card, _, face, _), *_ = log_of(home)
    assert face == "zh"
    assert f"{card} 是什么？" in out
    assert "要点二" in out
    assert "误区。" in out


def test_bury_and_suspend(prep: Prep, home: Path) -> None:
    prep("review", stdin="b\ns\nq\n")
    assert log_of(home) == []
    assert json.loads(prep("due", "--json")[1])["total"] == 1


def test_limit_and_area(prep: Prep, home: Path) -> None:
    prep("review", "--limit", "1", stdin="\n3\n\n3\n")
    assert len(log_of(home)) == 1
    prep("review", "--area", "cuda", stdin="\n3\n\n3\n\n3\n")
    assert sum(row[0] == "beta" for row in log_of(home)) == 1
    assert {row[0] for row in log_of(home)} <= {"beta", log_of(home)[0][0]}


def test_an_unknown_area(prep: Prep) -> None:
    status, out, err = prep("review", "--area", "trito", stdin="\n3\n")
    assert (status, out) == (2, "")
    assert err == "prep: there is no area 'trito'\n  did you mean triton?\n"


def test_a_card_that_breaks_does_not_end_the_sitting(prep: Prep, bundle: Path, home: Path) -> None:
    prep("due")  # the cards are in the cache now, and one file is gone with its faces
    for cache in (home / "cache").iterdir():
        with sqlite3.connect(cache) as raw:
            tables = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            assert tables
        raw.close()
    (bundle / "content" / "cuda" / "beta.md").write_text("---\nid: beta\n", encoding="utf-8")
    status, _, _ = prep("review", stdin="\n3\n" * 5)
    assert status == 0
    assert sorted(row[0] for row in log_of(home)) == ["alpha", "gamma"]


def test_today_tells_everything(prep: Prep, home: Path) -> None:
    from prep.clock import now

    with Database.open() as db:
        log = InterviewLog(db, now)
        log.add(InterviewDraft("快手", role="推理引擎", held_on="2999-01-01", held_time="15:00"))
        question = Question("?", "failed", topic="paged attention")
        log.add(InterviewDraft("Merlin", held_on="2026-01-01", questions=[question]))
    prep("review", stdin="\n4\nq\n")
    status, out, err = prep("today")
    assert (status, err) == (0, "")
    assert "Next interview   快手 · 推理引擎 · Tue 1 Jan 15:00 · in " in out
    assert "weak: paged attention (asked 1x, failed 1x)" in out
    assert "Cards            2 new" in out
    assert "▁▁▁▁▁▁█ 7 days" in out
    assert "streak 1 day" in out
    assert "Last interview   Merlin · 1 question to turn into a card" in out
    assert "> Review 2 cards   [prep review]" in out
    assert prep()[1] == out  # no terminal: the same summary
    found = json.loads(prep("today", "--json")[1])
    assert found["next_interview"]["company"] == "快手"
    assert found["suggestions"][0] == {
        "action": "review", "cards": 2, "boosted": False, "exercise": None, "interview": None
    }  # fmt: skip


def test_today_in_chinese_lines_up_by_cells(prep: Prep, home: Path) -> None:
    _, out, _ = prep("today", lang="zh")
    lines = out.splitlines()
    assert "周" in lines[0]
    (cards,) = [line for line in lines if "分钟" in line]
    assert cell_width(cards[: cards.index("3")]) == 19


def test_a_database_that_cannot_be_used_is_one_line(prep: Prep, home: Path) -> None:
    Database.open().close()
    raw = sqlite3.connect(home / "data" / "prep.db")
    raw.execute("PRAGMA user_version = 999")
    raw.close()
    for command in (["due"], ["today"], ["review"], ["doctor", "--rebuild"]):
        status, out, err = prep(*command)
        assert (status, out) == (1, ""), command
        message, hint = err.splitlines()
        assert "schema 999" in message
        assert hint.strip()
    status, out, _ = prep("doctor")
    assert status == 1
    assert "schema 999" in out
    assert "python" in out


def test_a_broken_config_is_one_line(prep: Prep, home: Path) -> None:
    path = home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("new_per_day = -1\n")
    status, out, err = prep("due")
    assert (status, out) == (2, "")
    assert err.startswith(f"prep: {path}:1: new_per_day")


def test_doctor_describes_the_environment(prep: Prep, home: Path) -> None:
    status, out, _ = prep("doctor", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["environment"]["python"] == ".".join(map(str, sys.version_info[:3]))
    levels = {"L0", "L1", "L2"}
    assert found["environment"]["isolation"] == max(levels - found["environment"]["isolation_lacks"].keys())
    assert {"torch", "triton", "textual", "fsrs"} <= found["environment"]["packages"].keys()
    assert found["environment"]["packages"]["fsrs"].startswith("6.")
    assert found["database"]["path"] == str(home / "data" / "prep.db")
    assert not found["database"]["exists"]


def test_doctor_imports_nothing_heavy(bundle: Path) -> None:
    code = (
        "import sys; from prep.cli import main\n"
        "try: main(['doctor'])\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'triton', 'numpy', 'textual', 'fsrs') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_doctor_counts_backs_up_and_rebuilds(prep: Prep, home: Path) -> None:
    assert prep("doctor", "--backup")[0] == 1  # nothing to copy yet
    prep("review", stdin="\n3\n\n1\nq\n")
    for backup in backups(home / "data" / "prep.db"):
        backup.path.unlink()
    status, out, _ = prep("doctor", "--backup")
    (copy,) = backups(home / "data" / "prep.db")
    assert (status, out.split()[-1]) == (0, str(copy.path).split()[-1])
    database = json.loads(prep("doctor", "--json")[1])["database"]
    assert database["ok"]
    assert database["counts"]["reviews"] == 2
    assert (database["backups"]["count"], database["backups"]["newest"]) == (1, str(copy.path))
    status, out, _ = prep("doctor", "--rebuild")
    assert "2 cards folded from the log, 0 rows changed" in out
    with Database.open() as db:
        db.execute("UPDATE card_state SET reps = 99 WHERE card_id = (SELECT min(card_id) FROM card_state)")
    status, out, _ = prep("doctor", "--rebuild", "--json")
    assert status == 0
    assert json.loads(out)["rebuild"]["changed_rows"] == 1
    assert "0 rows changed" in prep("doctor", "--rebuild")[1]


def test_doctor_finds_damage(prep: Prep, home: Path) -> None:
    prep("review", stdin="\n3\nq\n")
    raw = sqlite3.connect(home / "data" / "prep.db")
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("UPDATE reviews SET params_id = 77")
    raw.commit()
    raw.close()
    status, out, _ = prep("doctor")
    assert status == 1
    assert "BROKEN" in out
    assert "missing row of fsrs_params" in out
