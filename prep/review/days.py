"""Study days: a day begins at 04:00 local, wherever and under whatever daylight-saving rule the person is."""

from __future__ import annotations

from datetime import date, timedelta

from prep.clock import Instant

_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()


def study_day(at: Instant, rollover_hour: int = 4) -> date:
    """The date of the local time, less `rollover_hour`: 03:59 belongs to the day before.

    The UTC offset of that moment decides, so a day may be 23 or 25 hours long where clocks change, and shorter or
    longer on a journey.
    """
    local_ms = at.ms + at.tz_offset_min * 60_000
    return date.fromordinal(_EPOCH + (local_ms - rollover_hour * 3_600_000) // _DAY_MS)


def day_start_ms(day: date, tz_offset_min: int, rollover_hour: int = 4) -> int:
    """UTC milliseconds at which the study day begins for a clock with this offset."""
    return (day.toordinal() - _EPOCH) * _DAY_MS + rollover_hour * 3_600_000 - tz_offset_min * 60_000


def elapsed_days(last: date, day: date) -> int:
    """Whole study days between two reviews; 0 when the second seems earlier (a journey west, a clock set back)."""
    return max(0, (day - last).days)


def next_rollover_ms(at: Instant, rollover_hour: int = 4) -> int:
    """When the study day of `at` ends."""
    return day_start_ms(study_day(at, rollover_hour) + timedelta(days=1), at.tz_offset_min, rollover_hour)
