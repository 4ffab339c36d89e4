"""When a study day begins, in every place and on every odd day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep.clock import Instant
from prep.review.days import day_start_ms, elapsed_days, next_rollover_ms, study_day

BERLIN, NEW_YORK, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")


def at(text: str, zone: ZoneInfo = SHANGHAI, fold: int = 0) -> Instant:
    return Instant.from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-22 03:59", "2026-11-21"),
        ("2026-11-22 04:00", "2026-11-22"),
        ("2026-11-22 04:01", "2026-11-22"),
        ("2026-11-22 23:59", "2026-11-22"),
        ("2026-11-23 00:01", "2026-11-22"),
        ("2027-01-01 03:59", "2026-12-31"),
        ("2028-02-29 12:00", "2028-02-29"),
        ("2028-03-01 01:00", "2028-02-29"),
    ],
)
def test_the_day_begins_at_four(moment: str, day: str) -> None:
    assert study_day(at(moment)).isoformat() == day


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("2026-11-21 22:00", "2026-11-22 21:00", 1),  # 23 hours, and a night: FSRS alone would call it the same day
        ("2026-11-21 23:59", "2026-11-22 00:01", 0),  # two minutes across midnight
        ("2026-11-22 03:59", "2026-11-22 04:01", 1),
        ("2026-11-22 04:01", "2026-11-23 03:59", 0),  # 24 hours less two minutes
        ("2026-11-22 09:00", "2026-11-25 08:00", 3),
        ("2026-11-22 09:00", "2026-11-20 08:00", 0),  # a clock that was set back
    ],
)
def test_elapsed_days_are_nights_slept(first: str, second: str, days: int) -> None:
    assert elapsed_days(study_day(at(first)), study_day(at(second))) == days


@pytest.mark.parametrize(
    ("zone", "moment", "fold", "day"),
    [
        # Clocks go forward at 02:00 on 29 March and back at 03:00 on 25 October in Berlin.
        (BERLIN, "2026-03-29 01:59", 0, "2026-03-28"),
        (BERLIN, "2026-03-29 03:30", 0, "2026-03-28"),
        (BERLIN, "2026-03-29 04:00", 0, "2026-03-29"),
        (BERLIN, "2026-10-25 02:30", 0, "2026-10-24"),
        (BERLIN, "2026-10-25 02:30", 1, "2026-10-24"),
        (BERLIN, "2026-10-25 03:59", 0, "2026-10-24"),
        (BERLIN, "2026-10-25 04:00", 0, "2026-10-25"),
        (NEW_YORK, "2026-11-01 01:30", 1, "2026-10-31"),
        (NEW_YORK, "2026-11-01 04:00", 0, "2026-11-01"),
    ],
)
def test_clock_changes_move_no_rollover(zone: ZoneInfo, moment: str, fold: int, day: str) -> None:
    assert study_day(at(moment, zone, fold)).isoformat() == day


def test_a_night_with_a_clock_change_is_one_night() -> None:
    for evening, morning in (("2026-03-28 22:00", "2026-03-29 09:00"), ("2026-10-24 22:00", "2026-10-25 09:00")):
        assert elapsed_days(study_day(at(evening, BERLIN)), study_day(at(morning, BERLIN))) == 1


def test_a_journey_across_sixteen_zones() -> None:
    leaving = at("2026-11-22 20:00")
    landing = Instant(leaving.ms + 12 * 3_600_000, -480)  # 16:00 on the same date in Los Angeles
    assert study_day(leaving) == study_day(landing) == date(2026, 11, 22)
    early = at("2026-11-23 05:00")
    landed = Instant(early.ms + 3_600_000, -480)  # still the day before there
    assert study_day(landed) == date(2026, 11, 22)
    assert elapsed_days(study_day(early), study_day(landed)) == 0
    after_a_night = Instant(landed.ms + 20 * 3_600_000, -480)
    assert elapsed_days(study_day(landed), study_day(after_a_night)) == 1


def test_another_rollover_hour() -> None:
    assert study_day(at("2026-11-22 00:00"), 0) == date(2026, 11, 22)
    assert study_day(at("2026-11-22 05:59"), 6) == date(2026, 11, 21)


instants = st.builds(
    Instant, st.integers(-(10**12), 4 * 10**12), st.integers(-12 * 4, 14 * 4).map(lambda quarter: quarter * 15)
)


@given(instants, st.integers(0, 23))
def test_it_agrees_with_the_calendar(instant: Instant, hour: int) -> None:
    zone = timezone(timedelta(minutes=instant.tz_offset_min))
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant.ms)).astimezone(zone)
    assert study_day(instant, hour) == (local - timedelta(hours=hour)).date()


@given(instants, st.integers(0, 23))
def test_a_day_contains_its_moments(instant: Instant, hour: int) -> None:
    day = study_day(instant, hour)
    start = day_start_ms(day, instant.tz_offset_min, hour)
    assert start <= instant.ms < next_rollover_ms(instant, hour) == start + 86_400_000
    assert study_day(Instant(start, instant.tz_offset_min), hour) == day
    assert study_day(Instant(start - 1, instant.tz_offset_min), hour) == day - timedelta(days=1)
