"""Frames between judge and worker: a JSON header and raw bytes, each with its length before it.

The judge trusts nothing in a frame: a header that is not JSON, a length beyond the limit or an early end of the stream
is `ProtocolError`, which the judge takes as the submission's fault.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct("!IQ")
_LIMIT = 1 << 30
_TICK_S = 0.05


class ProtocolError(Exception):
    """The other side sent something that is not a frame."""


class StreamEnded(ProtocolError):
    """The other side closed the stream."""


class Expired(ProtocolError):
    """Nothing came in time."""


@dataclass(slots=True)
class Frame:
    header: dict[str, Any]
    payload: bytes = b""


def write_frame(fd: int, header: dict[str, Any], payload: bytes | bytearray | memoryview = b"") -> None:
    """Write a frame whole; blocks while the other side does not read."""
    text = json.dumps(header).encode()
    for part in (_LENGTHS.pack(len(text), len(payload)), text, payload):
        view = memoryview(part)
        while len(view):
            view = view[os.write(fd, view) :]


def read_frame(
    fd: int,
    deadline: float | None = None,
    also: dict[int, Callable[[bytes], None]] | None = None,
    tick: Callable[[], None] | None = None,
) -> Frame:
    """Read a frame.

    Args:
        fd: where from.
        deadline: `time.monotonic()` value after which to give up; None waits for ever.
        also: other descriptors to drain meanwhile, each with a function that takes what was read.
        tick: called every 50 ms of waiting; what it raises ends the reading.

    Raises:
        Expired: the deadline passed.
        StreamEnded: end of file before the frame was complete.
        ProtocolError: not a frame.
    """
    text_length, payload_length = _LENGTHS.unpack(_read(fd, _LENGTHS.size, deadline, also, tick))
    if text_length > _LIMIT or payload_length > _LIMIT:
        raise ProtocolError("a frame is too long")
    text = _read(fd, text_length, deadline, also, tick)
    try:
        header = json.loads(text)
    except ValueError as e:
        raise ProtocolError("a frame's header is not JSON") from e
    if not isinstance(header, dict):
        raise ProtocolError("a frame's header is not an object")
    return Frame(header, _read(fd, payload_length, deadline, also, tick))


def _read(
    fd: int,
    count: int,
    deadline: float | None,
    also: dict[int, Callable[[bytes], None]] | None,
    tick: Callable[[], None] | None,
) -> bytes:
    parts = bytearray()
    others = dict(also or {})
    while len(parts) < count:
        wait = None if deadline is None else deadline - time.monotonic()
        if wait is not None and wait <= 0:
            raise Expired
        if tick is not None:
            tick()
            wait = _TICK_S if wait is None else min(wait, _TICK_S)
        ready, _, _ = select.select([fd, *others], [], [], wait)
        for other in [r for r in ready if r != fd]:
            chunk = os.read(other, 1 << 16)
            if chunk:
                others[other](chunk)
            else:
                del others[other]
        if fd in ready:
            chunk = os.read(fd, min(count - len(parts), 1 << 20))
            if not chunk:
                raise StreamEnded("the stream ended inside a frame")
            parts += chunk
    return bytes(parts)
