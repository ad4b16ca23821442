"""Custom messages of a local runner."""

# args: -u 2 -r 100

from traced import quit_when, trace, trace_logs

from locust import User, constant, events, task
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

trace_logs()
worked = set()
quit_when(lambda runner: len(worked) == 2)


def on_message(environment, msg, **kwargs):
    trace("run", msg.type, msg.data, msg.node_id, environment.runner is not None, sorted(kwargs))


def answers(environment, msg):
    trace("run", "answers", msg.data)
    environment.runner.send_message("answer", {"to": msg.data})


def fails(environment, msg):
    raise ValueError("in a listener of messages")


class Someone(User):
    wait_time = constant(0.01)

    @task
    def work(self):
        if self not in worked:
            worked.add(self)
            self.environment.runner.send_message("from_users", len(worked))


@events.init.add_listener
def on_init(environment, runner, **kwargs):
    trace("run", [isinstance(runner, cls) for cls in (Runner, LocalRunner, MasterRunner, WorkerRunner)])
    runner.register_message("plain", on_message)
    runner.register_message("from_users", on_message)
    runner.register_message("question", answers)
    runner.register_message("answer", on_message, concurrent=True)
    runner.register_message("fails", fails)
    try:
        runner.register_message("plain", answers)
    except Exception as e:
        trace("run", type(e).__name__)
    trace("run", sorted(runner.custom_messages))
    runner.send_message("plain")
    runner.send_message("plain", {"a": [1, 2]}, "some_client")
    runner.send_message("question", "why")
    runner.send_message("unknown", 1)
    try:
        runner.send_message("fails", 1)
    except ValueError as e:
        trace("run", e)


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    environment.runner.send_message("plain", environment.runner.target_user_count)
    trace("run", environment.runner.worker_index, environment.runner.worker_count)
