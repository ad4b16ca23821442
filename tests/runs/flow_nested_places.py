"""The same exceptions two task sets deep, where a nested class is itself a task."""

# run StopUser: -u 6 -r 6
# run StopTest: -u 6 -r 6
# run RescheduleTask: -u 6 -r 6
# run RescheduleTaskImmediately: -u 6 -r 6
# run Interrupt: -u 6 -r 6
# run InterruptHard: -u 6 -r 6
# run ValueError: -u 6 -r 6

from traced import RUN, quit_when_idle, trace, trace_logs, trace_stats

from locust import SequentialTaskSet, User, constant, task
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

trace_logs()
trace_stats()
quit_when_idle()

raised = {
    "StopUser": StopUser,
    "StopTest": StopTest,
    "RescheduleTask": RescheduleTask,
    "RescheduleTaskImmediately": RescheduleTaskImmediately,
    "Interrupt": lambda: InterruptTaskSet(True),
    "InterruptHard": lambda: InterruptTaskSet(False),
    "ValueError": lambda: ValueError("bad"),
}


def at(self, place):
    trace(self, type(self).__name__, place)
    self.user.steps += 1
    if self.user.steps > 25:
        raise StopUser
    if type(self.user).__name__ == place:
        raise raised[RUN]()


class Deep(SequentialTaskSet):
    def on_start(self):
        at(self, "DeepStart")

    def on_stop(self):
        at(self, "DeepStop")

    def wait(self):
        at(self, "DeepWait")
        super().wait()

    @task
    def one(self):
        at(self, "DeepTask")

    @task
    def back(self):
        trace(self, "Deep back")
        self.interrupt(reschedule=False)


class Middle(SequentialTaskSet):
    tasks = [Deep]

    def on_start(self):
        at(self, "MiddleStart")

    def on_stop(self):
        at(self, "MiddleStop")

    def wait(self):
        trace(self, "Middle wait")
        super().wait()

    @task
    def back(self):
        trace(self, "Middle back")
        self.interrupt()


class Visitor(User):
    abstract = True
    fixed_count = 1
    steps = 0
    wait_time = constant(0)
    tasks = [Middle]

    @property
    def user(self):
        return self

    def on_start(self):
        trace(self, "starts")

    def on_stop(self):
        trace(self, "stops", self._state)

    def wait(self):
        trace(self, "user wait")
        super().wait()


class DeepStart(Visitor):
    pass


class DeepStop(Visitor):
    pass


class DeepWait(Visitor):
    pass


class DeepTask(Visitor):
    pass


class MiddleStart(Visitor):
    pass


class MiddleStop(Visitor):
    pass
