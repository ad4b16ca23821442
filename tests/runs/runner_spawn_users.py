"""spawn_users() and stop_users() called directly."""

# script

from traced import name_of, sleep, spawn, trace, trace_events

from locust import User, constant, events, task
from locust.env import Environment
from locust.exception import StopUser

trace_events("test_start", "spawning_complete", "test_stopping", "test_stop")


class Someone(User):
    wait_time = constant(0.01)
    injected = None

    def on_start(self):
        trace("users*", type(self).__name__, "on_start", self.injected)

    def on_stop(self):
        trace("users*", type(self).__name__, "on_stop")

    @task
    def work(self):
        """Goes on for ever."""


class Short(Someone):
    @task
    def leave(self):
        raise StopUser


environment = Environment(user_classes=[Someone, Short], events=events, host="http://of.environment")
runner = environment.create_local_runner()
users = runner.spawn_users({"Someone": 2, "Short": 1})
trace("run", type(users).__name__, [type(u).__name__ for u in users], runner.state, runner.user_count)
trace("run", [u.host for u in users], [u._state for u in users])
users[0].injected = "before it began"
users[2].greenlet.join()
sleep(0.05)
trace("run", runner.user_count, sorted(runner.user_classes_count.items()))
more = runner.spawn_users({"Short": 3}, wait=False)
trace("run", len(more), runner.user_classes_count["Someone"])
for user in more:
    user.greenlet.join()
sleep(0.05)
try:
    runner.spawn_users({"Nobody": 1})
except KeyError as e:
    trace("run", "KeyError", e)
trace("run", runner.spawn_users({}), runner.spawn_users({"Someone": 0}))
runner.stop_users({"Someone": 1})
sleep(0.05)
trace("run", runner.user_count)
runner.stop_users({"Someone": 5, "Short": 2})
sleep(0.05)
trace("run", runner.user_count, runner.state)
done = spawn(runner.spawn_users, {"Short": 2}, True)
done.join()
trace("run", "all have left", runner.user_count, len(done.value))
runner.quit()
trace("run", runner.state)
