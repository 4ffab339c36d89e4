# expect: crash | no-kernel | not-written | numerically-wrong | wrong-axis
# class: 42
# exercise: softmax
"""Frames without a payload on every descriptor."""

import json
import os
import struct


def softmax(x, out):
    text = json.dumps(
        {"status": "ok", "returned": None, "watch": {"launches": 1, "programs": 1, "operators": [], "violations": []}}
    ).encode()
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack("!IQ", len(text), 0) + text)
        except OSError:
            continue
