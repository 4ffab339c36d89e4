"""The database's schema as numbered migrations. A released migration is never edited: add another one.

Decisions that this schema fixes, with their reasons, are in CONTRIBUTING.md under "The store".
"""

from __future__ import annotations

MIGRATIONS: list[str] = [
    # 1
    """
    -- Everything that shapes `due`: not the weights alone, but steps, maximum interval and the fuzz rule too, so that a
    -- replay of the log gives the same state byte for byte. A row is written once and never changed.
    CREATE TABLE fsrs_params (
      id INTEGER PRIMARY KEY,
      algo TEXT NOT NULL,
      params_json TEXT NOT NULL,
      settings_json TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      n_reviews INTEGER,
      ll_before REAL,
      ll_after REAL,
      UNIQUE (algo, params_json, settings_json)
    ) STRICT;

    -- The truth. Rows are only ever added; an undo sets undone_at_ms.
    CREATE TABLE reviews (
      id TEXT PRIMARY KEY,
      card_id TEXT NOT NULL,
      face TEXT CHECK (face IN ('en', 'zh')),
      reviewed_at_ms INTEGER NOT NULL,
      tz_offset_min INTEGER NOT NULL,
      study_day TEXT NOT NULL,
      rating INTEGER CHECK (rating BETWEEN 1 AND 4),
      kind TEXT NOT NULL CHECK (kind IN ('learn','review','relearn','early','cram','interview','manual','reset')),
      duration_ms INTEGER,
      device TEXT,
      session_id TEXT,
      interview_q_id TEXT,
      content_sha TEXT,
      algo TEXT NOT NULL,
      params_id INTEGER NOT NULL REFERENCES fsrs_params (id),
      desired_retention REAL NOT NULL,
      before_json TEXT,
      after_json TEXT,
      undone_at_ms INTEGER
    ) STRICT;
    CREATE INDEX reviews_by_card ON reviews (card_id, reviewed_at_ms, id);
    CREATE INDEX reviews_by_time ON reviews (reviewed_at_ms, id);
    -- Streak and daily counts, without reading 200,000 rows.
    CREATE INDEX reviews_by_day ON reviews (study_day) WHERE undone_at_ms IS NULL AND rating IS NOT NULL;

    -- Derived from reviews; `prep doctor --rebuild` makes it again.
    CREATE TABLE card_state (
      card_id TEXT PRIMARY KEY,
      state TEXT NOT NULL CHECK (state IN ('learning', 'review', 'relearning')),
      step INTEGER,
      s REAL NOT NULL,
      d REAL NOT NULL,
      due_ms INTEGER NOT NULL,
      due_day TEXT,
      last_ms INTEGER NOT NULL,
      last_day TEXT NOT NULL,
      interval_days INTEGER NOT NULL,
      reps INTEGER NOT NULL,
      lapses INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX card_state_by_due ON card_state (due_ms);

    -- What the user set by hand: not a function of the reviews, so a rebuild must not touch it.
    CREATE TABLE card_marks (
      card_id TEXT PRIMARY KEY,
      suspended INTEGER NOT NULL DEFAULT 0,
      buried_until_day TEXT,
      boost_reason TEXT,
      boost_from_day TEXT,      -- shown early once: until it is reviewed on this day or later
      boost_until_day TEXT,
      flag TEXT
    ) STRICT, WITHOUT ROWID;

    -- Former ids of renamed cards, as read from their `aliases`: the log keeps the id it was written with.
    CREATE TABLE card_aliases (
      old_id TEXT PRIMARY KEY,
      card_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Exercises: every grading, and every hint looked at.
    CREATE TABLE attempts (
      id TEXT PRIMARY KEY,
      exercise_id TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      tz_offset_min INTEGER NOT NULL,
      device TEXT NOT NULL,
      passed INTEGER NOT NULL,
      code TEXT,                -- the first diagnosis code, NULL when passed
      cases_passed INTEGER NOT NULL,
      cases_total INTEGER NOT NULL,
      seconds REAL NOT NULL,
      source_sha TEXT NOT NULL,
      verdict_json TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attempts_by_exercise ON attempts (exercise_id, at_ms);
    CREATE TABLE exercise_events (
      id TEXT PRIMARY KEY,
      exercise_id TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('started', 'reset', 'hint', 'solution')),
      detail TEXT
    ) STRICT;
    CREATE INDEX exercise_events_by_exercise ON exercise_events (exercise_id, at_ms);

    -- The interview log.
    CREATE TABLE companies (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      aliases_json TEXT NOT NULL DEFAULT '[]'
    ) STRICT;
    CREATE TABLE applications (
      id TEXT PRIMARY KEY,
      company_id TEXT NOT NULL REFERENCES companies (id),
      role TEXT,
      level TEXT,
      location TEXT,
      source TEXT,
      url TEXT,
      jd_snapshot TEXT,
      resume_version TEXT,
      status TEXT NOT NULL DEFAULT 'open',
      next_action TEXT,
      next_on TEXT,
      created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE application_events (
      id TEXT PRIMARY KEY,
      application_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
      at_ms INTEGER NOT NULL,
      tz_offset_min INTEGER NOT NULL,
      interview_id TEXT,        -- the interview that this happened to, if one did
      from_status TEXT,
      to_status TEXT NOT NULL,
      note TEXT,
      changes_json TEXT         -- {"field": [before, after]}: what an edit overwrote stays readable
    ) STRICT;
    CREATE INDEX application_events_by_application ON application_events (application_id, at_ms, id);
    CREATE TABLE interviews (
      id TEXT PRIMARY KEY,
      application_id TEXT NOT NULL REFERENCES applications (id),
      held_on TEXT,             -- local date, NULL when it could not be read
      held_time TEXT,           -- local HH:MM, NULL when not given
      tz_offset_min INTEGER,
      when_text TEXT,           -- the date cell as a person typed it, kept word for word
      round_no INTEGER,
      round_kind TEXT,
      format TEXT,
      minutes INTEGER,
      interviewers TEXT,
      feeling INTEGER CHECK (feeling BETWEEN 1 AND 5),
      feeling_text TEXT,
      feeling_at_ms INTEGER,    -- a feeling written down after the result says nothing about calibration
      result TEXT NOT NULL DEFAULT 'pending'
        CHECK (result IN ('pending', 'pass', 'fail', 'withdrawn', 'ghosted', 'offer')),
      result_text TEXT,
      result_on TEXT,
      result_at_ms INTEGER,
      notes_md TEXT,
      imported_json TEXT,       -- the row of the table that it came from, cell by cell, word for word
      seq INTEGER NOT NULL,     -- order of entry: the number a person calls it by, and the order of an exported table
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL,
      deleted_at_ms INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX interviews_by_seq ON interviews (seq);
    CREATE INDEX interviews_by_day ON interviews (held_on);
    CREATE TABLE interview_questions (
      id TEXT PRIMARY KEY,
      interview_id TEXT NOT NULL REFERENCES interviews (id) ON DELETE CASCADE,
      seq INTEGER NOT NULL,
      text_md TEXT NOT NULL,
      lang TEXT,
      kind TEXT,
      topic TEXT,
      outcome TEXT,
      minutes INTEGER,
      hints INTEGER,
      follow_ups TEXT,
      what_i_said TEXT,
      better_answer TEXT,
      card_id TEXT,
      exercise_id TEXT,
      gap TEXT
    ) STRICT;
    CREATE INDEX interview_questions_by_interview ON interview_questions (interview_id, seq);
    """,
]
"""Statement scripts in order; entry i brings `PRAGMA user_version` from i to i + 1."""
