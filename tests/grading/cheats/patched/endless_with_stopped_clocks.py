# expect: timeout
# class: 27
# exercise: softmax
"""Clocks stand still and the call never ends: the limit of time must not be this process's."""

import time

time.perf_counter = time.monotonic = time.time = lambda: 0.0


def softmax(x, out):
    while True:
        pass
