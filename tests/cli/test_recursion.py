"""A task that recurses without end: a RecursionError of that user's; the others go on.

With the program, whose interpreter is embedded, and with Python that has loaded the extension.
"""

import os
import sys

import pytest
from serving import PROGRAM

TEXT = """
import collections, ctypes, json, sys
from locust import User, constant, events, task

lost = []
sys.unraisablehook = lambda event: lost.append(event.exc_value)

class Deep(User):
    wait_time = constant(0.05)

    def python(self):
        return self.python() + 1

    def sort(self):
        return sorted([2, 1], key=lambda x: self.sort())

    def json(self):
        return json.dumps(self, default=lambda x: [Deep.json(x)])

    def nested_json(self):
        return json.loads("[" * 200_000)

    def ctypes(self):
        # What a callback raises is lost in C, so it is kept; what prevents the call, if ctypes tells.
        lost.clear()
        def again():
            if lost:
                return
            try:
                ctypes.CFUNCTYPE(None)(again)()
            except RecursionError as error:
                lost.append(error)
        again()
        raise lost[0] if lost else RecursionError("not told")

    def attribute(self):
        class Mirror:
            def __getattr__(self, name):
                return getattr(self, name + "x")
        return Mirror().a

    @task
    def recurse(self):
        began.append(1)
        self.{how}()
        print("came back")

class Steady(User):
    wait_time = constant(0.01)

    @task
    def work(self):
        turns.append(sum(range(100)))
        if len(began) > 5:
            after.append(1)
        if len(after) > 20:
            self.environment.runner.quit()

began, turns, after, errors = [], [], [], collections.Counter()

@events.user_error.add_listener
def failed(user_instance, exception, **kwargs):
    errors[type(user_instance.user).__name__, type(exception).__name__] += 1

@events.quit.add_listener
def tell(**kwargs):
    print(dict(errors), set(turns), len(after) > 20)
"""

HOW = ["python", "sort", "json", "nested_json", "ctypes", "attribute"]
EXTENSION = [sys.executable, "-m", "locust"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("program", [[PROGRAM], EXTENSION], ids=["program", "extension"])
def test_recursion_ends_in_the_user_that_recurses(run, program, how):
    env = {} if program == [PROGRAM] else {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    r = run(
        *"--headless -u 4 -r 100 -t 60 --only-summary".split(),
        locustfile=TEXT.replace("{how}", how),
        program=program,
        env=env,
        timeout=100,
    )
    assert r.code == 1, r
    counts, rest = r.out.split("} ", 1)
    assert rest == "{4950} True\n"
    assert counts.startswith("{('Deep', 'RecursionError'): ") and "Steady" not in counts
    assert how == "ctypes" or "RecursionError: maximum recursion depth exceeded" in r.err
