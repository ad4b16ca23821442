"""A test whose environment does not catch what tasks raise."""

# script

from traced import name_of, sleep, trace, trace_events

from locust import TaskSet, User, constant, events, task
from locust.env import Environment
from locust.exception import StopUser

trace_events("user_error", "test_start", "test_stop")


class Inner(TaskSet):
    def on_stop(self):
        trace(self, "inner on_stop")

    @task
    def fail(self):
        trace(self, "inner task")
        raise KeyError("inner")


class Nested(User):
    tasks = [Inner]

    def on_stop(self):
        trace(self, "on_stop")


class Plain(User):
    wait_time = constant(0)

    def on_stop(self):
        trace(self, "on_stop")

    @task
    def fail(self):
        trace(self, "task")
        raise ValueError("plain")


class Fine(User):
    def on_stop(self):
        trace(self, "on_stop")

    @task
    def end(self):
        raise StopUser


environment = Environment(user_classes=[Nested, Plain, Fine], events=events, catch_exceptions=False)
runner = environment.create_local_runner()
users = runner.spawn_users({"Nested": 1, "Plain": 2, "Fine": 1})
for user in users:
    user.greenlet.join()
for user in users:
    trace(name_of(user), user.greenlet.successful(), repr(user.greenlet.exception))
sleep(0.05)
trace("run", runner.user_count, sum(e["count"] for e in runner.exceptions.values()))
runner.quit()
sleep(0)
trace("run", runner.state)
