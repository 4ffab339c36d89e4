"""What today asks for: the data behind the first screen and behind `prep today`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from prep.review.model import Counts
from prep.review.reviewer import Reviewer

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise
    from prep.interviews.log import InterviewLog
    from prep.interviews.model import Interview
    from prep.store.attempts import Attempts, Progress

HALF_LIFE_DAYS = 30
"""A failure a month ago weighs half of one today."""

_WEIGHT = {"failed": 1.0, "partial": 0.5}

Action = Literal["review", "exercise", "cards", "log"]


@dataclass(frozen=True, slots=True)
class Weakness:
    """A topic that interviews have shown to be weak."""

    topic: str
    asked: int
    failed: int
    here: bool
    """Asked by the company of the next interview."""


@dataclass(frozen=True, slots=True)
class ExerciseToday:
    exercise: Exercise
    progress: Progress
    cases_failed: int = 0
    """Of the last grading; 0 of 0 where there was none."""
    cases_total: int = 0
    asked_by: str | None = None
    """The company that asked for it, where that is why it is suggested."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to do next. `review` reviews what is due; `cards` looks at cards when nothing is due."""

    action: Action
    cards: int = 0
    """How many cards a `review` would show first: the boosted ones if there are any, else all that are due."""
    boosted: bool = False
    """These cards are for the next interview."""
    exercise: ExerciseToday | None = None
    interview: Interview | None = None
    """A `log` suggestion: the interview whose questions are still to be turned into cards; None for a new entry."""


@dataclass(frozen=True, slots=True)
class Today:
    day: date
    """The study day."""
    counts: Counts
    boosted: int
    """How many of the cards are boosted for an interview."""
    streak: int
    week: tuple[int, ...]
    """Grades on each of the last seven study days, today last."""
    next_due_ms: int | None
    """When a card becomes due again."""
    next_interview: Interview | None
    days_until: int | None
    """Calendar days until the next interview; 0 on its day."""
    weak: tuple[Weakness, ...]
    """At most three, weakest first; those of the next interview's company before others."""
    in_progress: ExerciseToday | None
    """The exercise worked on last that has not passed yet."""
    suggested: ExerciseToday | None
    """The exercise to begin next."""
    last_interview: Interview | None
    open_questions: int
    """Questions of the last interview that no card or exercise answers yet."""
    suggestion: Suggestion
    others: tuple[Suggestion, ...]
    """What else makes sense, best first."""


def gather(
    reviewer: Reviewer,
    interviews: InterviewLog | None = None,
    attempts: Attempts | None = None,
    exercises: Mapping[str, Exercise] | None = None,
) -> Today:
    """Everything that today asks for; parts that are not given are left out."""
    now = reviewer.clock()
    calendar_day = now.local().date()
    held: list[Interview] = []
    upcoming = None
    if interviews is not None:
        upcoming = interviews.upcoming()
        held = [
            i
            for i in interviews.all("newest")
            if i.held_on is not None and i.held_on <= calendar_day.isoformat() and not interviews.is_upcoming(i)
        ]
    last = next((i for i in held if i.round_kind != "mock"), None)
    open_questions = 0 if last is None else sum(not q.card_id and not q.exercise_id for q in last.questions)
    in_progress, suggested = _exercises(exercises or {}, attempts, held)
    counts = reviewer.counts()
    boosted = reviewer.boosted()
    options = _options(counts, boosted, upcoming, in_progress, suggested, last if open_questions else None)
    return Today(
        day=reviewer.today(),
        counts=counts,
        boosted=boosted,
        streak=reviewer.streak(),
        week=tuple(reviewer.daily_counts(7)),
        next_due_ms=reviewer.next_due_ms(),
        next_interview=upcoming,
        days_until=_days_until(upcoming, calendar_day),
        weak=tuple(weaknesses(held, calendar_day, upcoming.company if upcoming else None)[:3]),
        in_progress=in_progress,
        suggested=suggested,
        last_interview=last,
        open_questions=open_questions,
        suggestion=options[0],
        others=tuple(options[1:]),
    )


def _days_until(interview: Interview | None, today: date) -> int | None:
    if interview is None or interview.held_on is None:
        return None
    return (date.fromisoformat(interview.held_on) - today).days


def weaknesses(held: Sequence[Interview], today: date, company: str | None = None) -> list[Weakness]:
    """Topics with a failed or half-answered question, weakest first.

    Args:
        held: interviews that took place.
        company: its topics come before the others.
    """
    asked: dict[str, int] = {}
    failed: dict[str, int] = {}
    weight: dict[str, float] = {}
    here: set[str] = set()
    for interview in held:
        days = (today - date.fromisoformat(interview.held_on)).days if interview.held_on else 0
        for question in interview.questions:
            topic = question.topic or question.card_id or question.exercise_id
            if not topic or question.outcome == "not_reached":
                continue
            asked[topic] = asked.get(topic, 0) + 1
            if question.outcome == "failed":
                failed[topic] = failed.get(topic, 0) + 1
            share = _WEIGHT.get(question.outcome or "", 0.0)
            weight[topic] = weight.get(topic, 0.0) + share * 0.5 ** (max(0, days) / HALF_LIFE_DAYS)
            if company is not None and interview.company == company:
                here.add(topic)
    weak = [topic for topic, value in weight.items() if value > 0]
    weak.sort(key=lambda topic: (topic not in here, -weight[topic], topic))
    return [Weakness(topic, asked[topic], failed.get(topic, 0), topic in here) for topic in weak]


def _exercises(
    exercises: Mapping[str, Exercise], attempts: Attempts | None, held: Sequence[Interview]
) -> tuple[ExerciseToday | None, ExerciseToday | None]:
    """The one in progress, and the one to begin next: asked in an interview and not answered well, else the next."""
    if attempts is None or not exercises:
        return None, None
    progress = attempts.progress_of_all()
    open_ids = [i for i in exercises if progress.get(i) in ("started", "failing")]
    in_progress = None
    if open_ids:
        newest = max(open_ids, key=lambda i: (attempts.last_touched_ms(i), i))
        last = attempts.last(newest)
        cases = (last.cases_total - last.cases_passed, last.cases_total) if last is not None else (0, 0)
        in_progress = ExerciseToday(exercises[newest], progress[newest], *cases)
    for interview in held:
        for question in interview.questions:
            asked = question.exercise_id
            if asked is None or asked not in exercises or question.outcome == "nailed":
                continue
            if progress.get(asked, "new") == "new":
                return in_progress, ExerciseToday(exercises[asked], "new", asked_by=interview.company)
    following = next((e for i, e in exercises.items() if progress.get(i, "new") == "new"), None)
    return in_progress, None if following is None else ExerciseToday(following, "new")


def _options(
    counts: Counts,
    boosted: int,
    upcoming: Interview | None,
    in_progress: ExerciseToday | None,
    suggested: ExerciseToday | None,
    to_turn_into_cards: Interview | None,
) -> list[Suggestion]:
    """Best first, never empty: with nothing due there is still an exercise, the cards and the log."""
    options = []
    if boosted:
        options.append(Suggestion("review", boosted, boosted=True, interview=upcoming))
    elif counts.total:
        options.append(Suggestion("review", counts.total))
    exercise = in_progress or suggested
    if exercise is not None:
        options.append(Suggestion("exercise", exercise=exercise))
    options.append(Suggestion("log", interview=to_turn_into_cards))
    if not counts.total:
        options.append(Suggestion("cards"))
    return options
