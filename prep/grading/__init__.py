"""The judge (parent), the worker (child) and what passes between them.

client.py     starts the judge as a process of its own and yields its events; needs neither torch nor numpy
judge.py      runs the stages and decides; static.py: what is seen without running; stages/: the others, one file each
process/      how children are started, confined, talked to and ended
worker/       what runs inside the child: the submission in the interpreter, and everything that watches it;
              compiler.py in a child of its own: follows the entry and compiles its kernels for sm_90 (build.py)
occupancy.py  warps of a kernel that a multiprocessor holds, from what the compiler says
buffers.py    storages with guard bands; dtypes.py: numbers and their bits; compare.py: tolerance and mismatch
diagnosis/    from outcomes to a code, its words in both languages, pictures of where the errors are
regrade.py    grading while the file goes on being edited: for watch mode and the app
verdict.py    what `prep grade --json` prints; report.py: the same for a person, picture.py: where the errors are
"""
