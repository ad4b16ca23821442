"""``import locust.events``, as Locust 0.x had it: gives locust.events, the program's events."""

import sys

import locust

sys.modules[__name__] = locust.events
