# expect: not-written | no-kernel
# class: 11
# exercise: softmax
"""Nothing is written and an empty list is returned."""


def softmax(x, out):
    return []
