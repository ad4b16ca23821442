"""Environment: everything that belongs to one test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .dispatch import UsersDispatcher
from .event import Events
from .exception import RunnerAlreadyExistsError
from .runners import LocalRunner, Runner
from .stats import RequestStats
from .user import User
from .user.task import TaskHolder, TaskSet, filter_tasks_by_tags
from .util.load_locustfile import is_shape_class

__all__ = [
    "Environment",
    "Events",
    "LocalRunner",
    "RequestStats",
    "Runner",
    "User",
    "UsersDispatcher",
]


class Environment:
    """User classes, events, statistics, options and the runner of a test, in one place."""

    def __init__(
        self,
        *,
        user_classes: list[type[User]] | None = None,
        shape_class=None,
        tags: list[str] | None = None,
        locustfile: str | None = None,
        exclude_tags: list[str] | None = None,
        events: Events | None = None,
        host: str | None = None,
        reset_stats: bool = False,
        stop_timeout: float | None = None,
        catch_exceptions: bool = True,
        parsed_options=None,
        parsed_locustfiles: list[str] | None = None,
        available_user_classes: dict[str, type[User]] | None = None,
        available_shape_classes: dict | None = None,
        available_user_tasks: dict[str, list] | None = None,
        dispatcher_class: type[UsersDispatcher] = UsersDispatcher,
        profile: str | None = None,
    ):
        self.runner: Runner | None = None
        self.web_ui = None
        self.process_exit_code: int | None = None
        """What the process is to end with, whatever happened."""

        self.parsed_options = parsed_options
        self.parsed_locustfiles = parsed_locustfiles
        self.user_classes = user_classes if user_classes is not None else []
        self.shape_class = shape_class
        self.tags = tags
        self.exclude_tags = exclude_tags
        self.locustfile = locustfile
        self.events = events if events is not None else Events()
        self.host = host
        """Overrides the host of every user class."""

        self.reset_stats = reset_stats
        """Whether statistics begin anew when all users have been started."""

        if stop_timeout is not None:
            self.stop_timeout = stop_timeout
        elif parsed_options is not None:
            self.stop_timeout = float(getattr(parsed_options, "stop_timeout", 0.0))
        else:
            self.stop_timeout = 0.0
        self.catch_exceptions = catch_exceptions
        self.stats = RequestStats()
        self.available_user_classes = available_user_classes
        self.available_shape_classes = available_shape_classes
        self.available_user_tasks = available_user_tasks
        self.dispatcher_class = dispatcher_class
        self.profile = profile
        self.worker_logs: dict[str, list[str]] = {}

        self._tasks_filtered = False
        self._remove_user_classes_with_weight_zero()
        self._validate_user_class_name_uniqueness()
        self._validate_shape_class_instance()

    # --- Runners.

    def _create_runner(self, runner_class: type[Runner], *args) -> Runner:
        if self.runner is not None:
            raise RunnerAlreadyExistsError(
                f"Environment.runner already exists ({self.runner}); one environment has one runner"
            )
        self.runner = runner_class(self, *args)
        if self.shape_class is not None:
            self.shape_class.runner = self.runner
        return self.runner

    def create_local_runner(self) -> LocalRunner:
        """Makes the runner that runs users in this process."""
        return self._create_runner(LocalRunner)

    # --- User classes.

    @property
    def user_classes_by_name(self) -> dict[str, type[User]]:
        """The user classes, by their names."""
        return {cls.__name__: cls for cls in self.user_classes}

    def update_user_class(self, user_settings: dict) -> None:
        """Sets attributes of a class; ``tasks`` are names of those tasks that it is to keep."""
        name = user_settings["user_class_name"]
        user_class = self.available_user_classes[name]
        all_tasks = self.available_user_tasks[name]
        for key, value in user_settings.items():
            if key == "tasks":
                user_class.tasks = [t for t in all_tasks if t.__name__ in value]
            elif key != "user_class_name":
                setattr(user_class, key, value)

    def update_worker_logs(self, worker_log_report: dict) -> None:
        """Keeps the latest logs of a worker."""
        if worker_log_report.get("worker_id"):
            self.worker_logs[worker_log_report["worker_id"]] = worker_log_report["logs"]

    def _filter_tasks_by_tags(self) -> None:
        """Drops the tasks that --tags and --exclude-tags leave out. Only the first call does."""
        if self._tasks_filtered:
            return
        self._tasks_filtered = True
        tags, exclude_tags = self._wanted_tags("tags"), self._wanted_tags("exclude_tags")
        for user_class in self.user_classes:
            filter_tasks_by_tags(user_class, tags, exclude_tags)

    def _wanted_tags(self, name: str) -> set[str] | None:
        """Our own tags, or else those of the command line, where an empty list means none."""
        own = getattr(self, name)
        return set(own) if own is not None else set(getattr(self.parsed_options, name, None) or ()) or None

    def _remove_user_classes_with_weight_zero(self) -> None:
        if not self.user_classes:
            return
        kept = [c for c in self.user_classes if c.weight > 0 or c.fixed_count > 0]
        if not kept:
            raise ValueError("There are no users with weight > 0.")
        self.user_classes[:] = kept

    def assign_equal_weights(self) -> None:
        """Makes all classes equally frequent, and in each all tasks, nested ones included."""
        for user_class in self.user_classes:
            user_class.weight = 1
            leaves: dict[Callable, None] = {}
            _collect_leaves(user_class.tasks, leaves)
            user_class.tasks = list(leaves)

    # --- Checks.

    def _validate_user_class_name_uniqueness(self) -> None:
        counts = Counter(cls.__name__ for cls in self.user_classes)
        if any(n > 1 for n in counts.values()):
            where = [cls.fullname() for cls in self.user_classes if counts[cls.__name__] > 1]
            raise ValueError(
                f"The names of user classes must be unique, these are not: {', '.join(where)}"
            )

    def _validate_shape_class_instance(self) -> None:
        if self.shape_class is not None and not is_shape_class(type(self.shape_class)):
            raise ValueError(
                "shape_class should be instance of LoadTestShape or subclass LoadTestShape, "
                f"but it is {self.shape_class!r}"
            )


def _collect_leaves(tasks: list[TaskHolder | Callable], leaves: dict[Callable, None]) -> None:
    for task in tasks:
        if isinstance(task, type) and issubclass(task, TaskSet):
            _collect_leaves(task.tasks, leaves)
        else:
            leaves[task] = None
