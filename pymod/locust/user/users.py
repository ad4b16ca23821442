"""The classes that locustfiles derive their users from.

What a user does is native (_locust.UserBase). The classes here give it the metaclass that collects
the tasks, and the class attributes that locustfiles override.
"""

import inspect
import logging

from _locust import UserBase, get_tasks_from_base_classes, sleep
from requests.exceptions import RequestException

from locust._fast.errors import ConnectionError
from locust.clients import HttpSession
from locust.exception import CatchResponseError, StopTest

from .rest import RestMixin
from .task import (
    LOCUST_STATE_RUNNING,
    LOCUST_STATE_STOPPING,
    LOCUST_STATE_WAITING,
    DefaultTaskSet,
    TaskSet,
)
from .wait_time import constant

__all__ = [
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "DefaultTaskSet",
    "HttpUser",
    "PytestUser",
    "RestMixin",
    "TaskSet",
    "User",
    "UserMeta",
    "get_tasks_from_base_classes",
]

logger = logging.getLogger(__name__)


class UserMeta(type):
    """Collects the tasks of the bases and of the class body; abstract is not inherited."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        if "task_set" in class_dict:
            from locust.util import deprecation

            deprecation.check_for_deprecated_task_set_attribute(class_dict)
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


class HttpUser(RestMixin, User):
    """A user with an HTTP client of its own, which keeps cookies and connections."""

    abstract = True

    pool_manager = None
    """A urllib3.PoolManager for all users of the class; by default each has its own connections."""

    http_version: "str | None" = None
    """"1.0", "1.1" or "2"; without it what --http-version says, or "1.1"."""

    report_timings = False
    """Whether responses and request events have `timings`: where the time of each request went."""

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
        self.client.report_timings = self.report_timings
        options = getattr(self.environment, "parsed_options", None)
        version = self.http_version or getattr(options, "http_version", None)
        if version is not None:
            self.client.http_version = version


class PytestUser(User):
    """Runs the test functions of a pytest file, one after the other, without waiting.

    The subclasses are made by load_locustfile_pytest().
    """

    abstract = True

    functions: list
    """The tests, as pytest collected them."""

    fixtures: list
    """What each of them gets, made when the user runs: the value of its fixture, or a tuple of them."""

    def run(self):
        """Runs until the user is stopped. Requests that failed end the round of their function."""
        self._state = LOCUST_STATE_RUNNING
        self.fixtures = [_fixtures_of(function, self) for function in self.functions]
        while self._state != LOCUST_STATE_STOPPING:
            for function, value in zip(self.functions, self.fixtures, strict=True):
                self._call(function.obj, value)
            sleep(0)

    @staticmethod
    def _call(test, value):
        try:
            test(*value) if isinstance(value, tuple) else test(value)
        except Exception as error:
            if not _is_reported(error):
                raise
            logger.debug("%s", error, exc_info=True)


def _fixtures_of(function, user):
    definitions = getattr(function, "fixturedefs", None)
    if definitions is None:
        definitions = [function.fixturedef]
    values = tuple(_fixture_value(definition, user) for definition in definitions)
    return values[0] if len(values) == 1 and not isinstance(values[0], tuple) else values


def _fixture_value(definition, user):
    """What a fixture function returns or yields first; it gets the user if it takes an argument."""
    parameters = inspect.signature(definition.func).parameters
    value = definition.func(user) if parameters else definition.func()
    return next(value) if inspect.isgenerator(value) else value


def _is_reported(error: Exception) -> bool:
    """Whether it is about a request, so that the statistics have it; what tests raise_for_status() for."""
    # Those that are ValueErrors (MissingSchema and kin) are mistakes in the test.
    return isinstance(error, (CatchResponseError, ConnectionError)) or (
        isinstance(error, RequestException) and not isinstance(error, ValueError)
    )
