"""Processes of the judge: how they are started, confined, talked to and ended.

    front end --job--> judge ---------------- starts, SOCK_SEQPACKET -----------> zygote (torch, triton; no secret)
                       seeds, oracle,                                               | forks, watches, ends, reaps
                       no torch          <-- requests, replies, output: pipes -->  worker, and all that it starts

launch.py     the judge's zygote: started, started again once where it died
zygote.py     what the zygote does; the roles that a worker can have
child.py      one worker as the judge sees it
protocol.py   frames on the pipes
tree.py       all processes below a worker: how much they take, and the end of every one
isolation/    the levels: what a worker can reach of the machine
"""
