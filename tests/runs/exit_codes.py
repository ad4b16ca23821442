"""What the process ends with."""

# run clean: -u 1
# run failure: -u 1
# run failure_code: -u 1 --exit-code-on-error 5
# run failure_forgiven: -u 1 --exit-code-on-error 0
# run exception: -u 1
# run listener: -u 1
# run listener_and_failure: -u 1
# run set_in_quitting: -u 1
# run set_in_test_stop: -u 1
# run set_in_quit: -u 1
# run set_to_zero_with_failure: -u 1
# run set_to_nine_in_task: -u 1
# run on_start: -u 1
# run on_stop: -u 1
# run constructor: -u 1

from traced import RUN, quit_when, trace, trace_logs, trace_stats

from locust import User, events, task
from locust.exception import StopUser

trace_logs()
trace_stats()
done = []
quit_when(lambda runner: runner.state == "running" and runner.user_count == 0 or RUN == "constructor" and bool(done))


class Someone(User):
    def __init__(self, environment):
        super().__init__(environment)
        done.append(1)
        if RUN == "constructor":
            raise ValueError("cannot be made")

    def on_start(self):
        if RUN == "on_start":
            raise ValueError("cannot start")

    def on_stop(self):
        if RUN == "on_stop":
            raise ValueError("cannot stop")

    @task
    def work(self):
        trace(self, "work")
        if RUN == "exception" and len(done) == 1:
            done.append(2)
            raise ValueError("bad")
        if RUN == "set_to_nine_in_task":
            self.environment.process_exit_code = 9
        if "failure" in RUN:
            self.environment.events.request.fire(
                request_type="X", name="x", response_time=1, response_length=1, exception=OSError("no"), context={}
            )
        raise StopUser


@events.quitting.add_listener
def on_quitting(environment, **kwargs):
    trace("run", "quitting", environment.process_exit_code)
    if "listener" in RUN:
        raise ValueError("in a listener")
    if RUN == "set_in_quitting":
        environment.process_exit_code = 11
    if RUN == "set_to_zero_with_failure":
        environment.process_exit_code = 0


@events.test_stop.add_listener
def on_test_stop(environment, **kwargs):
    if RUN == "set_in_test_stop":
        environment.process_exit_code = 12


@events.quit.add_listener
def on_quit(exit_code, **kwargs):
    trace("run", "quit", exit_code)
    if RUN == "set_in_quit":
        sets.process_exit_code = 13


@events.init.add_listener
def on_init(environment, **kwargs):
    global sets
    sets = environment
