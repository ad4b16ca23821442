"""Several files, a directory of them, and what they import from where."""

# run two: -f files_several.py,_several/second.py -u 3 -r 100
# run directory: -f _several -u 3 -r 100
# run missing: -f files_several.py,_several/no_such_file.py
# run no_python: -f _several/note.txt
# run empty: -f _several/nothing

import os
import sys

from traced import quit_when, trace

from locust import User, constant, events, task

quit_when(lambda runner: runner.state == "running")


class First(User):
    wait_time = constant(100)

    @task
    def work(self):
        """Nothing."""


trace("import", __name__, os.path.basename(__file__), sys.path[0] == os.path.dirname(os.path.abspath(__file__)))


@events.init.add_listener
def on_init(environment, **kwargs):
    trace("run", [c.__name__ for c in environment.user_classes], os.path.basename(environment.locustfile))
    trace("run", sorted(os.path.basename(f) for f in environment.parsed_locustfiles))
    trace("run", sys.modules["files_several"].First is First, sys.path[0] == os.getcwd())
