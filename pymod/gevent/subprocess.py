"""Processes; waiting for them lets the others run."""

from ._same import take_over

take_over(globals(), "subprocess", "subprocess", "os")
