# expect: crash
# class: 42
# exercise: softmax
"""os._exit(0) at import."""

import os

os._exit(0)


def softmax(x, out):
    pass
