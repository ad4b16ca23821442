"""What the runner keeps of exceptions, and its other attributes."""

# args: -u 2 -r 100 -H http://given.example

from traced import quit_when_idle, trace, trace_logs

from locust import User, constant, events, runners, stats, task
from locust.exception import StopUser

trace_logs()
quit_when_idle()


class Someone(User):
    wait_time = constant(0)
    rounds = 0

    @task
    def work(self):
        self.rounds += 1
        if self.rounds == 3:
            raise StopUser
        if self.rounds == 2:
            raise KeyError("second")
        raise ValueError("first")


@events.init.add_listener
def on_init(environment, runner, **kwargs):
    trace("run", runner.environment is environment, runner.stats is environment.stats, runner.errors, runner.exceptions)
    trace("run", runner.state, runner.user_count, runner.user_classes_count, runner.target_user_classes_count)
    trace(
        "run", [c.__name__ for c in runner.user_classes], sorted(runner.user_classes_by_name), runner.connection_broken
    )
    trace("run", len(runner.user_greenlets), runner.spawning_greenlet, runner.shape_greenlet, runner.shape_last_tick)
    trace("run", runner.cpu_warning_emitted, runner.worker_cpu_warning_emitted, runner.cpu_log_warning())
    trace("run", isinstance(environment.stats, stats.RequestStats), environment.host, environment.stop_timeout)
    trace("run", environment.reset_stats, environment.catch_exceptions, environment.process_exit_code)
    trace("run", environment.shape_class, environment.web_ui, environment.profile, environment.worker_logs)
    options = environment.parsed_options
    trace("run", options.num_users, options.spawn_rate, options.host, options.run_time, options.headless)
    runner.log_exception("some node", "a message", "a traceback")
    runner.log_exception("some node", "a message", "a traceback")
    runner.log_exception("another", "a message", "a traceback")
    for entry in runner.exceptions.values():
        trace("run", entry["count"], entry["msg"], entry["traceback"], sorted(entry["nodes"]))
    runner.update_state(runners.STATE_SPAWNING)
    trace("run", runner.state)
    runner.update_state(runners.STATE_INIT)


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    trace("run", "cleared", environment.runner.exceptions, environment.runner.state)


@events.quitting.add_listener
def on_quitting(environment, **kwargs):
    for entry in sorted(environment.runner.exceptions.values(), key=lambda e: e["msg"]):
        lines = entry["traceback"].splitlines() if isinstance(entry["traceback"], str) else entry["traceback"]
        trace("run", entry["count"], entry["msg"], sorted(entry["nodes"]), lines[-1])
