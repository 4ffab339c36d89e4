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
_HEADER_LIMIT, _PAYLOAD_LIMIT = 16 << 20, 256 << 20
"""Bytes; our largest case is some 20 MB, and a forged length must not fill the judge's memory."""

BUILD_MARK = b"\n\x1ebuild %d\n"
"""Printed before each compilation, so that what the compiler prints can be told apart even where it takes the process
with it."""

_TICK_S = 0.05

Drains = dict[int, Callable[[bytes], None]]
"""Other descriptors to read from while waiting, each with what takes the bytes."""


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


def write_frame(
    fd: int,
    header: dict[str, Any],
    payload: bytes | bytearray | memoryview = b"",
    deadline: float | None = None,
    also: Drains | None = None,
    tick: Callable[[], None] | None = None,
) -> None:
    """Write a frame whole; arguments and exceptions as those of `read_frame`.

    `fd` is non-blocking where there is a deadline: who does not read must not hold the writer for ever.
    """
    text = json.dumps(header).encode()
    wait = _Wait(deadline, also, tick)
    for part in (_LENGTHS.pack(len(text), len(payload)), text, payload):
        view = memoryview(part)
        while len(view):
            if deadline is not None:
                wait.until(writable=fd)
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                continue


def read_frame(
    fd: int,
    deadline: float | None = None,
    also: Drains | None = None,
    tick: Callable[[], None] | None = None,
) -> Frame:
    """Read a frame.

    Args:
        fd: where from.
        deadline: `time.monotonic()` value after which to give up; None waits for ever.
        also: other descriptors to drain meanwhile.
        tick: called every 50 ms of waiting; what it raises ends the reading.

    Raises:
        Expired: the deadline passed.
        StreamEnded: end of file before the frame was complete.
        ProtocolError: not a frame.
    """
    wait = _Wait(deadline, also, tick)
    text_length, payload_length = _LENGTHS.unpack(_read(fd, _LENGTHS.size, wait))
    if text_length > _HEADER_LIMIT or payload_length > _PAYLOAD_LIMIT:
        raise ProtocolError("a frame is too long")
    text = _read(fd, text_length, wait)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise ProtocolError("a frame's header is not JSON") from e
    if not isinstance(header, dict):
        raise ProtocolError("a frame's header is not an object")
    return Frame(header, _read(fd, payload_length, wait))


def _read(fd: int, count: int, wait: _Wait) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        wait.until(readable=fd)
        chunk = os.read(fd, min(count - len(parts), 1 << 20))
        if not chunk:
            raise StreamEnded("the stream ended inside a frame")
        parts += chunk
    return bytes(parts)


class _Wait:
    """Waits for a descriptor, and does meanwhile what has to be done."""

    def __init__(self, deadline: float | None, also: Drains | None, tick: Callable[[], None] | None) -> None:
        self.deadline = deadline
        self.also = dict(also or {})
        self.tick = tick

    def until(self, readable: int | None = None, writable: int | None = None) -> None:
        while True:
            wait = None if self.deadline is None else self.deadline - time.monotonic()
            if wait is not None and wait <= 0:
                raise Expired
            if self.tick is not None:
                self.tick()
                wait = _TICK_S if wait is None else min(wait, _TICK_S)
            wanted = [] if readable is None else [readable]
            ready, free, _ = select.select([*wanted, *self.also], [] if writable is None else [writable], [], wait)
            for fd in [r for r in ready if r in self.also]:
                chunk = os.read(fd, 1 << 16)
                if chunk:
                    self.also[fd](chunk)
                else:
                    del self.also[fd]
            if readable in ready or free:
                return
