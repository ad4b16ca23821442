"""Two environments in one process, each with its own events, statistics and users."""

# script

from traced import sleep, trace

from locust import User, constant, task
from locust.env import Environment
from locust.event import Events
from locust.exception import StopUser


class Someone(User):
    wait_time = constant(0)
    host = "http://class.example"

    def on_start(self):
        trace("users*", self.host, self.environment.name)

    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="X", name=self.environment.name, response_time=1, response_length=1, exception=None, context={}
        )
        raise StopUser


class Other(User):
    wait_time = constant(0)

    @task
    def work(self):
        raise ValueError(self.environment.name)


environments = []
for name, classes in (("first", [Someone]), ("second", [Someone, Other])):
    environment = Environment(user_classes=classes)
    environment.name = name
    environment.events.test_start.add_listener(lambda name=name, **kwargs: trace("run", name, "starts"))
    environment.events.request.add_listener(lambda who=name, **kwargs: trace("run", who, kwargs["name"]))
    environments.append(environment)
first, second = environments
trace("run", type(first.events) is Events, first.events is second.events, first.stats is second.stats, first.runner)
for environment in environments:
    environment.create_local_runner()
second.runner.spawn_users({"Other": 1})
for environment in environments:
    environment.runner.start(2, 100)
    while environment.stats.total.num_requests < 1 or environment.runner.state != "running":
        sleep(0.01)
while not second.runner.exceptions:
    sleep(0.01)
for environment in environments:
    trace(
        "run", environment.name, sorted(environment.stats.entries), environment.runner.user_classes_count.get("Someone")
    )
    trace("run", bool(environment.runner.exceptions), environment.stats.total.num_requests)
for environment in environments:
    environment.runner.quit()
    trace("run", environment.name, environment.runner.state, environment.runner.user_count)
