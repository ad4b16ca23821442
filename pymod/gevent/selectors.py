"""selectors, which let the others run."""

from ._same import take_over

take_over(globals(), "selectors", "select")

from selectors import DefaultSelector  # noqa: E402

GeventSelector = DefaultSelector
