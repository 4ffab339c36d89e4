"""FSRS scheduling: the day, the fold over the review log, the queue and a sitting."""
