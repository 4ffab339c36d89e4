# expect: crash
# class: 42
# exercise: softmax
"""A verdict on every descriptor that is open, then out."""

import json
import os

LINE = (json.dumps({"event": "verdict", "verdict": {"schema": 1, "passed": True, "diagnosis": []}}) + chr(10)).encode()


def softmax(x, out):
    for fd in range(256):
        try:
            os.write(fd, LINE)
        except OSError:
            continue
    os._exit(0)
