"""The schema as it is relied on: a change here needs a migration, once anything is released."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep.store.database import Database

COLUMNS = {
    "fsrs_params": "id algo params_json settings_json created_ms n_reviews ll_before ll_after",
    "reviews": (
        "id card_id face reviewed_at_ms tz_offset_min study_day rating kind duration_ms device session_id"
        " interview_q_id content_sha algo params_id desired_retention before_json after_json undone_at_ms"
    ),
    "card_state": "card_id state step s d due_ms due_day last_ms last_day interval_days reps lapses",
    "card_marks": "card_id suspended buried_until_day boost_reason boost_from_day boost_until_day flag",
    "card_aliases": "old_id card_id",
}
INDEXES = {"reviews_by_card", "reviews_by_time", "reviews_by_day", "card_state_by_due"}


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "prep.db")


def test_the_tables_of_review_are_exact(db: Database) -> None:
    for table, columns in COLUMNS.items():
        found = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        assert found == columns.split(), table
    indexes = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL")}
    assert indexes >= INDEXES
    db.close()


def test_every_table_is_strict(db: Database) -> None:
    loose = [
        row[1]
        for row in db.execute("PRAGMA table_list")
        if row[2] == "table" and not row[5] and not row[1].startswith("sqlite_")
    ]
    assert loose == []
    db.close()
