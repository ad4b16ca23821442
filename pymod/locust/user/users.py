"""The classes that locustfiles derive their users from.

What a user does is native (_locust.UserBase). The classes here give it the metaclass that collects
the tasks, and the class attributes that locustfiles override.
"""

from _locust import UserBase, get_tasks_from_base_classes

from locust.clients import HttpSession
from locust.exception import StopTest
from locust.util.deprecation import check_for_deprecated_task_set_attribute

from .wait_time import constant

__all__ = ["HttpUser", "User", "UserMeta"]


class UserMeta(type):
    """Collects the tasks of the bases and of the class body; abstract is not inherited."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        check_for_deprecated_task_set_attribute(class_dict)
        class_dict["tasks"] = get_tasks_from_base_classes(bases, class_dict)
        if not class_dict.get("abstract"):
            class_dict["abstract"] = False
        return super().__new__(mcs, classname, bases, class_dict, **kwargs)


class User(UserBase, metaclass=UserMeta):
    """Uses the system under test: runs one task after the other and waits in between."""

    host: "str | None" = None
    """What is tested, e.g. "https://example.com"; --host and the web UI override it."""

    min_wait: "float | None" = None
    max_wait: "float | None" = None
    wait_function = None

    wait_time = constant(0)
    """How many seconds to wait between two tasks: between(), constant() and so on, or a method."""

    tasks: list = []
    """What is chosen from: functions and TaskSet classes.

    A list, a list of (task, weight) or a dict {task: weight}; @task adds to it.
    """

    weight: float = 1
    """How many users are of this class, relative to the others."""

    fixed_count: int = 0
    """If above 0: so many users are of this class, whatever the weights; they start first."""

    abstract: bool = True
    """Whether the class is only there to be derived from. Not inherited."""

    @classmethod
    def json(cls) -> dict:
        """What the web UI shows and changes of the class."""
        return {
            "host": cls.host,
            "weight": cls.weight,
            "fixed_count": cls.fixed_count,
            "tasks": [task.__name__ for task in cls.tasks],
        }

    @classmethod
    def fullname(cls) -> str:
        """Module and name of the class, however deep in functions it is defined."""
        name = f"{cls.__module__}.{cls.__qualname__}"
        return ".".join(part for part in name.split(".") if part != "<locals>")


class HttpUser(User):
    """A user with an HTTP client of its own, which keeps cookies and connections."""

    abstract = True

    pool_manager = None
    """A urllib3.PoolManager for all users of the class; by default each has its own connections."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.host is None:
            raise StopTest(
                f"You must specify the base host. Give {type(self).__name__} a host, "
                "or name one with --host on the command line."
            )
        self.client = HttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            pool_manager=self.pool_manager,
        )
        self.client.trust_env = False
