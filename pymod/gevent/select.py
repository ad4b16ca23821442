"""select.select() and its kin, which let the others run."""

from ._same import take_over

take_over(globals(), "select", "select")
