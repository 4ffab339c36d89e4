"""The judge (parent), the worker (child) and what passes between them.

client.py     starts the judge as a process of its own and yields its events; needs neither torch nor numpy
judge.py      holds the oracle, makes inputs from secret seeds, decides; child.py: a worker's process as it sees it
worker.py     runs the submission in the interpreter and returns raw bytes; it never holds an expected value
watch.py      notes what the submission does; hooks.py: where that is seen; no_gpu.py; isolate.py
protocol.py   frames on a pipe; buffers.py: storages with guard bands; dtypes.py: numbers and their bits
compare.py    tolerance and mismatch; diagnose.py, values.py: from outcomes to a code; messages.py: its words
verdict.py    what `prep grade --json` prints; report.py: the same for a person
"""
