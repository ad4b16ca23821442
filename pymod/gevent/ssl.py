"""TLS that lets the others run."""

from ._same import take_over

take_over(globals(), "ssl", "ssl", "socket")
