"""The judge (parent), the worker (child) and what passes between them.

client.py     starts the judge as a process of its own and yields its events; needs neither torch nor numpy
judge.py      holds the oracle, makes inputs from secret seeds, decides; forks a worker for each submission
worker.py     runs the submission in the interpreter and returns raw bytes; it never holds an expected value
watch.py      what the worker sees while the submission runs: every load and store, every torch operator
protocol.py   frames on a pipe; buffers.py: storages with guard bands; dtypes.py: numbers and their bits
compare.py    tolerance and mismatch; diagnose.py: from outcomes to a code; messages.py: what it says, in two languages
verdict.py    the verdict of DESIGN.md 3.3; report.py: the same for a person
"""
