"""prep: study cards, graded GPU kernels and an interview log, in one terminal."""

import os

# Textual turns on the Kitty keyboard protocol, under which iTerm2 loses what a Chinese input method types. The switch
# is read once, when textual.constants is imported, so it must be set before anything of prep imports textual.
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")

__version__ = "0.1.0"
