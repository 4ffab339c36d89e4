# expect: crash
# class: 42
# exercise: softmax
"""A handler at exit prints the verdict and leaves with 0."""

import atexit
import os
import sys


def leave():
    print('{"event": "verdict", "verdict": {"passed": true}}', flush=True)
    os._exit(0)


atexit.register(leave)


def softmax(x, out):
    sys.exit(0)
