"""Tags and Markov task sets: they stay, whatever is asked for."""

# args: -u 1 -T wanted

from traced import quit_when_idle, trace, trace_logs

from locust import MarkovTaskSet, User, constant, events, tag, task, transition
from locust.exception import StopUser

quit_when_idle()
trace_logs()


class Walker(User):
    wait_time = constant(0)

    @task
    class Walk(MarkovTaskSet):
        @transition("one")
        def one(self):
            trace(self, "one")
            raise StopUser

    @tag("unwanted")
    @task
    def other(self):
        trace(self, "never")


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    trace("run", [t.__name__ for t in Walker.tasks])
