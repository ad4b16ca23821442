"""Listeners that raise: what is skipped, what is logged, what the process ends with."""

# run ValueError: -u 1
# run StopUser: -u 1
# run StopTest: -u 1
# run RescheduleTask: -u 1
# run InterruptTaskSet: -u 1

from traced import RUN, quit_when, trace, trace_logs

from locust import User, constant, events, exception, log, task
from locust.exception import StopUser

trace_logs()
raised = ValueError if RUN == "ValueError" else getattr(exception, RUN)
worked = []
quit_when(
    lambda runner: len(worked) > 1 and runner.state in ("running", "stopped") or runner.user_count == 0 and bool(worked)
)


class Someone(User):
    wait_time = constant(0)
    fails = 0

    def on_stop(self):
        trace(self, "on_stop")

    @task
    def work(self):
        worked.append(1)
        trace(self, "work")
        if len(worked) == 1:
            raise KeyError("for user_error")
        raise StopUser


def listen(name, number):
    def listener(**kwargs):
        trace("run", name, number, log.unhandled_greenlet_exception)
        if number == 1:
            raise raised("in a listener")

    getattr(events, name).add_listener(listener)


# What steers the flow leaves runner.quit() of these two, and nobody would stop the test.
for name in ("user_error", "quit", *(("test_stopping", "test_stop") if RUN == "ValueError" else ())):
    for number in range(3):
        listen(name, number)
