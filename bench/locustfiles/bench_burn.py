"""Python that keeps a processor busy, the same amount of it for all peers.

The driver measures how many rounds take a microsecond in its own interpreter,
and passes what it wants as BENCH_ROUNDS: every generator does the same work,
whatever its interpreter makes of it.
"""

import os

rounds = int(os.environ.get("BENCH_ROUNDS", "1000"))

# The longest wait after a task, in seconds.
pause = float(os.environ.get("BENCH_PAUSE", "0"))


def burn(count):
    for _ in range(count):
        pass
