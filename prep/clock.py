"""Time as prep stores it: UTC milliseconds, with the local UTC offset kept beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

Clock = Callable[[], "Instant"]
"""What services take instead of calling the wall clock, so that tests can be at any moment in any place."""


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A moment, and where its person was."""

    ms: int
    """Milliseconds since the Unix epoch, UTC."""

    tz_offset_min: int = 0
    """Minutes east of UTC of the local clock at that moment."""

    def local(self) -> datetime:
        """The aware local datetime."""
        utc = datetime.fromtimestamp(self.ms / 1000, tz=UTC)
        return utc.astimezone(timezone(timedelta(minutes=self.tz_offset_min)))

    @classmethod
    def from_datetime(cls, moment: datetime) -> Instant:
        """From an aware datetime."""
        offset = moment.utcoffset()
        if offset is None:
            raise ValueError("an aware datetime is needed")
        return cls(round(moment.timestamp() * 1000), int(offset.total_seconds() // 60))


def now() -> Instant:
    """The present moment with the system's UTC offset."""
    return Instant.from_datetime(datetime.fromtimestamp(time.time(), tz=UTC).astimezone())
