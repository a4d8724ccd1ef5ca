"""Logs a run as one of its ranks would: points, lines in colour, a progress bar. ranks.test.ts starts one a rank."""

import os
import sys

import streamgauge

rank = int(os.environ["STREAMGAUGE_RANK"])
steps = 120 if rank == 2 else 200  # rank 2 is the straggler
with streamgauge.init(
    "ranked", name="eight-ranks", console=True, source=False, system=False, config={"world": 8}
) as run:
    for step in range(steps):
        run.log({"loss": 2.0 / (step + 1) + rank * 0.1}, step=step)
    if rank == 0:
        print("\033[1;32mready\033[0m to train <b>hard</b>")
        print("epoch 1:  10%|#   |\repoch 1: 100%|####|")
        for line in range(1000):
            print(f"step {line}")
        print("\033[31mloss is high\033[0m", file=sys.stderr)
