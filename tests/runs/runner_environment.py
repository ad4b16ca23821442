"""Environment(): its checks, defaults and methods."""

# script

from traced import trace

from locust import SequentialTaskSet, TaskSet, User, task
from locust.dispatch import UsersDispatcher
from locust.env import Environment
from locust.exception import RunnerAlreadyExistsError
from locust.user.task import TaskHolder


def leaf(self):
    """A task."""


class Inner(TaskSet):
    tasks = [leaf]

    @task(3)
    def own(self):
        """Another."""


class Outer(SequentialTaskSet):
    tasks = [Inner, leaf, Inner]


class A(User):
    weight = 3
    tasks = {Outer: 2, leaf: 1}


class B(User):
    weight = 0
    tasks = [leaf]


class C(User):
    fixed_count = 2
    weight = 0
    tasks = [leaf]


def attempt(what, **kwargs):
    try:
        environment = Environment(**kwargs)
        trace("run", what, [c.__name__ for c in environment.user_classes])
        return environment
    except Exception as e:
        trace("run", what, type(e).__name__, f"{A.__module__}.A" in str(e))


attempt("nothing")
attempt("empty", user_classes=[])
attempt("weights", user_classes=[A, B, C])
attempt("all zero", user_classes=[B])
attempt("twice", user_classes=[A, A])
attempt("same name", user_classes=[A, type("A", (User,), {"tasks": [leaf]})])
attempt("shape", user_classes=[A], shape_class=object())
attempt("positional", **{"user_class": A})

classes = [A, B, C]
environment = Environment(
    user_classes=classes,
    available_user_classes={"A": A, "C": C},
    available_user_tasks={"A": list(A.tasks), "C": list(C.tasks)},
    stop_timeout=2.5,
)
trace("run", environment.user_classes is classes, [c.__name__ for c in classes], environment.stop_timeout)
trace("run", sorted(environment.user_classes_by_name), environment.dispatcher_class is UsersDispatcher)
environment.update_user_class(
    {"user_class_name": "A", "host": "http://new", "weight": 9, "tasks": ["leaf"], "extra": 1}
)
trace("run", A.host, A.weight, [t.__name__ for t in A.tasks], A.extra)
environment.update_user_class({"user_class_name": "A", "tasks": ["Outer"]})
trace("run", [t.__name__ for t in A.tasks])
try:
    environment.update_user_class({"user_class_name": "Nobody"})
except KeyError as e:
    trace("run", "KeyError", e)
A.tasks = [Outer, leaf, Inner, leaf]
environment.assign_equal_weights()
trace("run", A.weight, C.weight, sorted(t.__name__ for t in A.tasks))
environment.update_worker_logs({"worker_id": "w", "logs": ["line"]})
environment.update_worker_logs({"logs": ["lost"]})
trace(
    "run",
    environment.worker_logs,
    isinstance(A, TaskHolder),
    isinstance(Inner, TaskHolder),
    isinstance(leaf, TaskHolder),
)
runner = environment.create_local_runner()
try:
    environment.create_local_runner()
except RunnerAlreadyExistsError:
    trace("run", "RunnerAlreadyExistsError")
environment.runner = None
trace("run", environment.create_local_runner() is runner)
