"""Dates as people type them, and what is left of the text."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prep.interviews.dates import format_when, parse_when

TODAY = date(2026, 11, 22)  # a Sunday


@pytest.mark.parametrize(
    ("text", "held_on", "held_time", "rest"),
    [
        ("5/19 20：00 云杉AI Infra", "2025-05-19", "20:00", "云杉AI Infra"),
        ("６／９　９：５０　云杉　Ａ", "2025-06-09", "09:50", "云杉　Ａ"),
        ("6/10 红枫多模态", "2025-06-10", None, "红枫多模态"),
        ("6/10红枫", "2025-06-10", None, "红枫"),
        ("2026-05-19 20:00", "2026-05-19", "20:00", ""),
        ("2026-05-19T20:00", "2026-05-19", "20:00", ""),
        ("2026/5/9, 8:05pm Alder", "2026-05-09", "20:05", "Alder"),
        ("2026.5.9 Alder", "2026-05-09", None, "Alder"),
        ("20260509 Alder", "2026-05-09", None, "Alder"),
        ("5/19/2026 Alder", "2026-05-19", None, "Alder"),
        ("5/19/26 Alder", "2026-05-19", None, "Alder"),
        ("5.19", "2025-05-19", None, ""),
        ("5-19 20:00", "2025-05-19", "20:00", ""),
        ("5月19日 晚上8点", "2025-05-19", "20:00", ""),
        ("5月19号下午3点半 云杉", "2025-05-19", "15:30", "云杉"),
        ("25年5月19日 15时30分", "2025-05-19", "15:30", ""),
        ("五月十九日 上午十点一刻", "2025-05-19", "10:15", ""),
        ("十二月二十一日", "2025-12-21", None, ""),
        ("5/19（周二）20:00 云杉", "2025-05-19", "20:00", "云杉"),
        ("周二 5/19 20:00 云杉", "2025-05-19", "20:00", "云杉"),
        ("Tue 5/19 8 p.m. Alder", "2025-05-19", "20:00", "Alder"),
        ("May 19, 2026 7pm Alder", "2026-05-19", "19:00", "Alder"),
        ("19th of May 12am Alder", "2025-05-19", "00:00", "Alder"),
        ("5/19 12pm", "2025-05-19", "12:00", ""),
        ("5/19 中午12点", "2025-05-19", "12:00", ""),
        ("5/19 中午1点", "2025-05-19", "13:00", ""),
        ("5/19 凌晨12:30", "2025-05-19", "00:30", ""),
        ("5/19 下午15:00", "2025-05-19", "15:00", ""),
        ("5/19-5/20 云杉", "2025-05-19", None, "云杉"),
        ("云杉 5/19 20:00", "2025-05-19", "20:00", "云杉"),
        ("Alder 2026-05-19 team B", "2026-05-19", None, "Alder team B"),
        ("2/29/2028", "2028-02-29", None, ""),
        ("today 19:00", "2026-11-22", "19:00", ""),
        ("今晚8点", "2026-11-22", "20:00", ""),
        ("明天 19:00 云杉", "2026-11-23", "19:00", "云杉"),
        ("明早九点", "2026-11-23", "09:00", ""),
        ("大后天", "2026-11-25", None, ""),
        ("3天后 10:00", "2026-11-25", "10:00", ""),
        ("in 2 days", "2026-11-24", None, ""),
        ("10 days ago", "2026-11-12", None, ""),
        ("yesterday", "2026-11-21", None, ""),
        ("Thu 15:00", "2026-11-26", "15:00", ""),
        ("thursday", "2026-11-26", None, ""),
        ("周日", "2026-11-22", None, ""),
        ("下周一 10:00", "2026-11-23", "10:00", ""),
        ("next Mon", "2026-11-23", None, ""),
        ("本周四", "2026-11-19", None, ""),
        ("上周四", "2026-11-12", None, ""),
        ("last Fri", "2026-11-20", None, ""),
        ("Momenta 5/19", None, None, "Momenta 5/19"),
        ("云杉", None, None, "云杉"),
        ("", None, None, ""),
        ("3/4", "2025-03-04", None, ""),
        ("20:00 云杉", None, "20:00", "云杉"),
        ("5/19 早安科技", "2025-05-19", None, "早安科技"),
    ],
)
def test_it_is_read(text: str, held_on: str | None, held_time: str | None, rest: str) -> None:
    when = parse_when(text, year=2025, today=TODAY)
    assert (when.held_on, when.held_time, when.rest) == (held_on, held_time, rest)
    assert bool(when.problems) == (held_on is None)


@pytest.mark.parametrize(
    ("text", "problem", "held_on", "rest"),
    [
        ("2/30 20:00 云杉", "2/30 is not a date", None, "云杉"),
        ("2/29 云杉", "2/29 is not a date in 2025", None, "云杉"),
        ("13/1 云杉", "13/1 is not a date", None, "云杉"),
        ("2025-13-01 云杉", "2025-13-01 is not a date", None, "云杉"),
        ("一一月三日", "一一月三日 is not a date", None, ""),
        ("5/19 25:00 云杉", "25:00 is not a time", "2025-05-19", "云杉"),
        ("5/19 20:60 云杉", "20:60 is not a time", "2025-05-19", "云杉"),
        ("5/19 13pm", "13pm is not a time", "2025-05-19", ""),
        ("5/19 晚上12点", "晚上12点 is not a time", "2025-05-19", ""),
        ("5/19 下午 云杉", "下午 is no exact time", "2025-05-19", "云杉"),
        ("待定 云杉", "待定: no date yet", None, "云杉"),
        ("TBD Alder", "tbd: no date yet", None, "Alder"),
        ("云杉", "no date in it", None, "云杉"),
    ],
)
def test_what_is_impossible_is_said_and_not_guessed(text: str, problem: str, held_on: str | None, rest: str) -> None:
    when = parse_when(text, year=2025)
    assert [str(p) for p in when.problems] == [problem]
    assert when.problems[0].text("zh") != problem
    assert (when.held_on, when.rest) == (held_on, rest)


@pytest.mark.parametrize("text", ["明天 云杉", "Thu 15:00 Alder", "周四 云杉", "3天后"])
def test_words_that_count_from_a_day_stay_text_in_a_file(text: str) -> None:
    when = parse_when(text, year=2025)
    assert (when.held_on, when.rest) == (None, text)


def test_a_weekday_beside_a_date_is_part_of_it_in_a_file_too() -> None:
    for text in ("周二 5/19 云杉", "5/19 周二 云杉", "Tue, 5/19 云杉"):
        when = parse_when(text, year=2025)
        assert (when.held_on, when.rest) == ("2025-05-19", "云杉")


@pytest.mark.parametrize(
    ("text", "minutes"), [("5/19 20:00-21:30 云杉", 90), ("5/19 下午2点到3点", 60), ("5/19 20:00", None)]
)
def test_an_end_gives_the_length(text: str, minutes: int | None) -> None:
    assert parse_when(text, year=2025).minutes == minutes


def test_whether_the_year_is_the_texts_own() -> None:
    assert parse_when("2026-05-19", year=2025).has_year
    assert parse_when("明天", year=2025, today=TODAY).has_year
    assert not parse_when("5/19", year=2025).has_year


@given(st.dates(min_value=date(1970, 1, 1)), st.none() | st.times(), st.booleans())
def test_what_is_written_is_read_back(day: date, time: object, with_year: bool) -> None:
    held_time = None if time is None else f"{time:%H:%M}"
    text = format_when(day.isoformat(), held_time, with_year=with_year)
    when = parse_when(text + " 云杉", year=day.year)
    assert (when.held_on, when.held_time, when.rest, when.problems) == (day.isoformat(), held_time, "云杉", ())


@given(st.text(max_size=30) | st.from_regex(r"[0-9/.:年月日点一二十周Tmay\- ]{1,14}", fullmatch=True))
@example("٣/٤ ٩:٩٠")
@example("9999天后")
@example("ﬁ㍢ İ5/19")
@example("¹²/³")
def test_any_text_is_read_without_a_fault_and_the_rest_is_of_it(text: str) -> None:
    when = parse_when(text, year=2025, today=TODAY)
    if when.held_on is not None:
        date.fromisoformat(when.held_on)
    assert all(part in text for part in when.rest.split())
