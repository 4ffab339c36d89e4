# expect: crash
# class: 42
# exercise: softmax
"""os._exit(0) in the entry: a status of 0 is success elsewhere."""

import os


def softmax(x, out):
    os._exit(0)
