"""locust.events replaced by the locustfile, with a hook of its own."""

# args: -u 1

from traced import quit_when_idle, trace, trace_events, trace_stats

import locust
from locust import User, constant, task
from locust.event import Events
from locust.exception import StopUser


class Mine(Events):
    bought = "EventHook"


locust.events = Mine()
trace_events(hooks=locust.events)
trace_stats(hooks=locust.events)
quit_when_idle(hooks=locust.events)


class Buyer(User):
    wait_time = constant(0)

    @task
    def buy(self):
        trace(self, self.environment.events is locust.events, type(self.environment.events).__name__)
        self.environment.events.bought.fire(what="book", user=self)
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=1, exception=None, context={}
        )
        raise StopUser


@locust.events.bought.add_listener
def on_bought(what, user):
    trace("run", what, type(user).__name__)
