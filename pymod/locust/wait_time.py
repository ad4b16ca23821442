"""``locust.wait_time``, where Locust 0.13 had between() and kin: gives locust.user.wait_time."""

import sys

from locust.legacy import warn_once
from locust.user import wait_time

warn_once("locust.wait_time", "from locust import between, constant, constant_pacing")
sys.modules[__name__] = wait_time
