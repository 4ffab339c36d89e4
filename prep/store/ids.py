"""UUIDv7: sortable by time, unique without a server, so that merging two devices is a set union."""

from __future__ import annotations

import secrets
import time


def uuid7(at_ms: int | None = None) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) as text; `at_ms` is its Unix time in milliseconds, now by default."""
    ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    value = (ms & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
