"""MarkovTaskSet: its course with a seed, and what it refuses."""

# run walk: -u 1 -r 100
# run refused: -u 1 -r 100

import random

from traced import RUN, quit_when_idle, trace, trace_logs

from locust import MarkovTaskSet, User, constant, tag, task, transition, transitions
from locust.exception import LocustError, RescheduleTask, StopUser

quit_when_idle()
trace_logs()
random.seed(3)


class Walk(MarkovTaskSet):
    def on_start(self):
        trace(self, "on_start", self.current.__name__, self.tasks, Walk.tasks)

    def on_stop(self):
        trace(self, "on_stop")

    def step(self, name):
        self.user.steps += 1
        trace(self, name)
        if self.user.steps == 40:
            raise StopUser

    @transition("look", 3)
    @transition("buy")
    def enter(self):
        self.step("enter")

    @transitions({"look": 2, "buy": 1, "enter": 1})
    def look(self):
        self.step("look")
        if self.user.steps % 7 == 0:
            raise RescheduleTask

    @transitions(["look", ("leave", 2)])
    def buy(self):
        self.step("buy")
        if self.user.steps % 5 == 0:
            raise ValueError("goes on all the same")

    @transition("enter")
    def leave(self):
        self.step("leave")
        self.interrupt(reschedule=False)


class Walker(User):
    wait_time = constant(0)
    tasks = [Walk]
    steps = 0

    def on_start(self):
        trace(self, [t for t in Walk.enter.transitions], sorted(Walk.look.transitions))


def attempt(name, body):
    try:
        made = type(MarkovTaskSet)(name, (MarkovTaskSet,), body)
        trace("run", name, "is fine", made.tasks, getattr(made, "abstract", None))
    except Exception as e:
        trace("run", name, type(e).__name__, isinstance(e, LocustError))


def function(name, *destinations, decorate=None):
    def made(self):
        """A task."""

    made.__name__ = name
    for destination in destinations:
        made = transition(destination)(made)
    return decorate(made) if decorate else made


if RUN == "refused":
    attempt("Empty", {})
    attempt("OnlyPlain", {"a": function("a")})
    attempt("Nowhere", {"a": function("a", "b")})
    attempt("ToPlain", {"a": function("a", "b"), "b": function("b")})
    attempt("Tagged", {"a": function("a", "a", decorate=tag("t"))})
    attempt("NamedRun", {"run": function("run", "run")})
    attempt("Unreachable", {"a": function("a", "a"), "b": function("b", "a")})
    attempt("Fine", {"a": function("a", "b", "a"), "b": function("b", "a")})
    attempt("Abstract", {"abstract": True})
    attempt("Decorated", {"a": function("a", "a", decorate=task(2))})
    for bad in ({"x": 0}, ["x"], [("x", 2)], "ab", 5):
        try:
            trace("run", bad, transitions(bad)(function("f")).transitions)
        except Exception as e:
            trace("run", bad, type(e).__name__)
