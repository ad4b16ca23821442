"""What can be read from user classes and users: json(), fullname(), context(), class attributes."""

# args: -u 2 -r 100

from traced import quit_when_idle, trace, trace_stats

from locust import TaskSet, User, events, task
from locust.exception import StopUser

trace_stats()
quit_when_idle()


class Inner(TaskSet):
    @task
    def leaf(self):
        raise StopUser


class Named(User):
    host = "http://named.example"
    weight = 7
    tasks = [Inner]
    attribute = "of the class"

    def context(self):
        return {"user": self.attribute}


def make():
    class Local(User):
        wait_time = None
        fixed_count = 1

        @task
        def work(self):
            trace(self, self.context(), self.wait_time)
            self.environment.shared = getattr(self.environment, "shared", 0) + 1
            trace(self, self.environment.shared)
            raise StopUser

    return Local


Variable = make()


@events.init.add_listener
def on_init(environment, **kwargs):
    for cls in (*environment.user_classes, User):
        trace("run", cls.__name__, cls.fullname(), cls.json(), cls.abstract, cls.weight, cls.fixed_count)
    trace("run", sorted(environment.available_user_classes), User.min_wait, User.max_wait, User.wait_function)
    user = Named(environment)
    trace("run", user.context(), user.host, user.wait_time(), user._state)
    user.attribute = "of the instance"
    trace("run", user.context(), Named.attribute)
