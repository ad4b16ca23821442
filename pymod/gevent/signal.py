"""Signals. (Waiting for children needs no SIGCHLD here: its handler is the user's.)"""

from ._same import take_over

take_over(globals(), "signal", "signal")
