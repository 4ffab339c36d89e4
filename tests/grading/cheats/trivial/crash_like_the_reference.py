# expect: crash
# class: 22
# exercise: softmax
"""Both sides print nothing: a checker that compares stdout would call that equal."""


def softmax(x, out):
    raise RuntimeError
