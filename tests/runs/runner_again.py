"""start() and stop() several times: what begins anew, and what stays."""

# script

from traced import sleep, trace, trace_events

from locust import User, constant, events, task
from locust.env import Environment

trace_events("test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit")


class Someone(User):
    wait_time = constant(0.01)

    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=1, exception=None, context={}
        )


class Other(Someone):
    weight = 2


def until(condition):
    for _ in range(500):
        if condition():
            return
        sleep(0.01)
    trace("run", "what was waited for did not come")


def show(what):
    trace(
        "run",
        what,
        runner.state,
        runner.user_count,
        sorted(runner.user_classes_count.items()),
        runner.target_user_count,
        sorted(runner.target_user_classes_count.items()),
        runner.stats.total.num_requests > 0,
    )


environment = Environment(user_classes=[Someone, Other], events=events)
runner = environment.create_local_runner()
show("made")
runner.stop()
show("stopped before it began")
runner.start(3, 100)
show("start has returned")
until(lambda: runner.state == "running" and runner.stats.total.num_requests > 5)
show("running")
runner.start(6, 100)
until(lambda: runner.user_count == 6 and runner.state == "running")
show("more")
runner.start(1, 100)
until(lambda: runner.user_count == 1 and runner.state == "running")
show("fewer")
runner.start(1, 100)
until(lambda: runner.state == "running")
show("as many")
runner.start(0, 100)
until(lambda: runner.user_count == 0 and runner.state == "running")
show("nobody")
runner.stop()
show("stopped")
runner.start(2, 100)
until(lambda: runner.state == "running")
show("again")
trace("run", "counted anew", runner.stats.total.num_requests < 50)
runner.start(5, 1)
until(lambda: runner.user_count == 3)
runner.stop()
show("stopped while spawning")
runner.start(4, 200, wait=True)
until(lambda: runner.state in ("running", "stopped"))
show("a high rate")
runner.quit()
show("quit")
runner.greenlet.join()
show("joined")
try:
    environment.create_local_runner()
except Exception as e:
    trace("run", type(e).__name__)
