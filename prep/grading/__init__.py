"""The judge (parent), the worker (child) and what passes between them."""
