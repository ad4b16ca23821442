"""Each exception that steers the flow, raised in each place where user code runs."""

# run StopUser: -u 13 -r 13
# run StopTest: -u 13 -r 13
# run RescheduleTask: -u 13 -r 13
# run RescheduleTaskImmediately: -u 13 -r 13
# run Interrupt: -u 13 -r 13
# run InterruptHard: -u 13 -r 13
# run ValueError: -u 13 -r 13
# run GreenletExit: -u 13 -r 13
# run OwnBaseException: -u 13 -r 13

from traced import RUN, GreenletExit, quit_when_idle, trace, trace_events, trace_logs, trace_stats

from locust import TaskSet, User, constant, events, task
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

trace_events("test_start", "test_stopping", "test_stop", "quitting", "quit")
trace_logs()
trace_stats()
quit_when_idle()


class OwnBaseException(BaseException):
    """Something that is no Exception."""


raised = {
    "StopUser": StopUser,
    "StopTest": StopTest,
    "RescheduleTask": RescheduleTask,
    "RescheduleTaskImmediately": RescheduleTaskImmediately,
    "Interrupt": lambda: InterruptTaskSet(True),
    "InterruptHard": lambda: InterruptTaskSet(False),
    "ValueError": lambda: ValueError("bad"),
    "GreenletExit": GreenletExit,
    "OwnBaseException": OwnBaseException,
}


def at(self, place):
    """Raises if this is the place of this user, but only so often that it comes to an end."""
    user = getattr(self, "user", self)
    trace(user, type(self).__name__, place, user._state)
    if type(user).__name__ == place and user.raised < 3:
        user.raised += 1
        raise raised[RUN]()


class Nested(TaskSet):
    def on_start(self):
        at(self, "NestedOnStart")

    def on_stop(self):
        at(self, "NestedOnStop")

    def wait(self):
        at(self, "NestedWait")
        super().wait()

    def wait_time(self):
        at(self, "NestedWaitTime")
        return 0

    @task
    def leaf(self):
        self.user.rounds += 1
        at(self, "NestedTask")
        if self.user.rounds >= 4:
            trace(self, "comes back")
            self.interrupt()


class Visitor(User):
    abstract = True
    fixed_count = 1
    rounds = raised = 0

    def on_start(self):
        at(self, "OnStart")

    def on_stop(self):
        at(self, "OnStop")

    def wait_time(self):
        at(self, "WaitTime")
        return 0

    def wait(self):
        at(self, "Wait")
        super().wait()

    @task
    def work(self):
        self.rounds += 1
        if self.rounds % 2:
            at(self, "Task")
            if type(self).__name__ == "Listener":
                self.environment.events.request.fire(
                    request_type="X", name="x", response_time=1, response_length=1, exception=None, context={}
                )
            if type(self).__name__ == "Measured":
                with self.environment.events.request.measure("X", "measured"):
                    at(self, "Measured")
        elif self.rounds > 8:
            raise StopUser
        else:
            Nested(self).run()


@events.request.add_listener
def on_request(name, exception, **kwargs):
    trace("requests*", name, type(exception).__name__)
    if name == "x":
        raise raised[RUN]()


class OnStart(Visitor):
    pass


class OnStop(Visitor):
    pass


class WaitTime(Visitor):
    pass


class Wait(Visitor):
    pass


class Task(Visitor):
    pass


class Listener(Visitor):
    pass


class Measured(Visitor):
    if "Exit" in RUN or "Base" in RUN:  # see measure_killed.py
        weight = fixed_count = 0


class NestedOnStart(Visitor):
    pass


class NestedOnStop(Visitor):
    pass


class NestedWait(Visitor):
    pass


class NestedWaitTime(Visitor):
    pass


class NestedTask(Visitor):
    pass


class Nowhere(Visitor):
    pass
