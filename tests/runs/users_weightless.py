"""A file whose only class has weight 0, or none that is not abstract."""

# run weight: -u 1
# run negative: -u 1
# run abstract: -u 1
# run none: -u 1
# run imported: -u 1

from traced import RUN, quit_when, trace

from locust import HttpUser, TaskSet, User, events, task  # noqa: F401

quit_when(lambda runner: runner.state == "running")


class Someone:
    @task
    def idle(self):
        """Does nothing."""


if RUN != "none":

    class A(User):
        tasks = [Someone.idle]
        weight = {"weight": 0, "negative": -1}.get(RUN, 1)
        abstract = RUN in ("abstract", "imported")


if RUN == "imported":
    Alias = type("B", (A,), {"wait_time": lambda self: 1})


@events.init.add_listener
def on_init(environment, **kwargs):
    trace("run", *[c.__name__ for c in environment.user_classes], sorted(environment.available_user_classes))
