"""The second file of files_several.py."""

import os
import sys

import third_of_several
from traced import quit_when, trace

from locust import User, constant, events, task

trace("import", __name__, os.path.basename(sys.path[0]), third_of_several.VALUE)
if "files_several" not in sys.modules:
    quit_when(lambda runner: runner.state == "running")


class Second(User):
    wait_time = constant(100)
    tasks = [third_of_several.shared]


Renamed = type("Original", (Second,), {})


@events.init.add_listener
def on_init(environment, **kwargs):
    trace("second", sorted(c.__name__ for c in environment.user_classes), sorted(environment.available_user_classes))
    trace("second", [t.__name__ for t in Renamed.tasks], task is not None)
