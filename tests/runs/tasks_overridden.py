"""Methods of task sets that are overridden, or replaced on the class while a test runs."""

# args: -u 5 -r 5

from traced import quit_when_idle, trace

from locust import TaskSet, User, constant, events, task
from locust.exception import StopUser
from locust.user.task import DefaultTaskSet

quit_when_idle()


def end_after(self, rounds):
    user = getattr(self, "user", self)
    user.rounds = getattr(user, "rounds", 0) + 1
    if user.rounds >= rounds:
        raise StopUser


class Base(User):
    abstract = True
    fixed_count = 1
    wait_time = constant(0)


class OwnChoice(Base):
    @task
    class Chooses(TaskSet):
        number = 0

        def get_next_task(self):
            self.number += 1
            trace(self, "get_next_task", self.number)
            return [self.first, type(self).second, lambda s: trace(s, "lambda", s is self)][self.number % 3]

        def first(self):
            trace(self, "first")
            end_after(self, 4)

        def second(self):
            trace(self, "second")

        tasks = [first]


class OwnExecution(Base):
    @task
    class Executes(TaskSet):
        def execute_task(self, task):
            trace(self, "before", task.__name__)
            super().execute_task(task)
            trace(self, "after", task.__name__)

        def execute_next_task(self):
            trace(self, "execute_next_task", len(self._task_queue))
            super().execute_next_task()

        def wait(self):
            trace(self, "wait")

        def _sleep(self, seconds):
            trace(self, "never called")

        @task
        def work(self):
            trace(self, "work")
            end_after(self, 3)


class OwnSleep(Base):
    wait_time = constant(1000)

    @task
    class Sleeps(TaskSet):
        def _sleep(self, seconds):
            trace(self, "sleep", seconds, self.user._state)

        @task
        def work(self):
            trace(self, "work")
            end_after(self, 3)


class OwnWait(Base):
    def wait(self):
        trace(self, "wait of the user is not what the loop calls")
        super().wait()

    @task
    def work(self):
        trace(self, "work")
        self.wait()
        end_after(self, 3)


class OwnRun(Base):
    @task
    class Runs(TaskSet):
        def run(self):
            trace(self, "run")
            self.on_start()
            end_after(self, 2)

        def on_start(self):
            trace(self, "on_start")

        tasks = [trace]


@events.test_start.add_listener
def replace(**kwargs):
    for cls in (TaskSet, DefaultTaskSet):

        def execute_task(self, task, cls=cls, original=cls.execute_task):
            trace(self, "wrapped", cls.__name__, type(self).__name__, task.__name__)
            original(self, task)

        cls.execute_task = execute_task
