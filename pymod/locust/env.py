"""Environment: everything that belongs to one test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .dispatch import UsersDispatcher
from .event import Events
from .exception import RunnerAlreadyExistsError
from .runners import LocalRunner, MasterRunner, Runner, WorkerRunner
from .shape import LoadTestShape
from .stats import RequestStats
from .user import User
from .user.task import TaskHolder, filter_tasks_by_tags
from .util.place import place_of
from .web import WebUI

__all__ = [
    "Environment",
    "Events",
    "LoadTestShape",
    "LocalRunner",
    "MasterRunner",
    "RequestStats",
    "Runner",
    "User",
    "UsersDispatcher",
    "WebUI",
    "WorkerRunner",
]


class Environment:
    """User classes, events, statistics, options and the runner of a test, in one place."""

    def __init__(
        self,
        *,
        user_classes: list[type[User]] | None = None,
        shape_class: LoadTestShape | None = None,
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
        available_shape_classes: dict[str, LoadTestShape] | None = None,
        available_user_tasks: dict[str, list] | None = None,
        dispatcher_class: type[UsersDispatcher] = UsersDispatcher,
        profile: str | None = None,
    ):
        self.runner: Runner | None = None
        self.web_ui: WebUI | None = None
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
        self.thresholds: list[str] = list(getattr(parsed_options, "thresholds", None) or ())
        """What must hold for the test to pass: texts such as "p95<200"."""

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
            raise RunnerAlreadyExistsError(f"Environment.runner already exists ({self.runner})")
        self.runner = runner_class(self, *args)
        if self.shape_class is not None:
            self.shape_class.runner = self.runner
        return self.runner

    def create_local_runner(self) -> LocalRunner:
        """Makes the runner that runs users in this process."""
        return self._create_runner(LocalRunner)

    def create_master_runner(self, master_bind_host="*", master_bind_port=5557) -> MasterRunner:
        """Makes the runner that has workers run the users."""
        return self._create_runner(MasterRunner, master_bind_host, master_bind_port)

    def create_worker_runner(self, master_host: str, master_port: int) -> WorkerRunner:
        """Makes the runner that runs users for a master."""
        own_stats = self.stats
        self.stats = RequestStats(use_response_times_cache=False)  # the master reads percentiles
        try:
            return self._create_runner(WorkerRunner, master_host, master_port)
        except BaseException:
            self.stats = own_stats
            raise

    def create_web_ui(
        self,
        host="",
        port=8089,
        web_base_path: str | None = None,
        web_login: bool = False,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        stats_csv_writer=None,
        delayed_start=False,
        userclass_picker_is_active=False,
        build_path: str | None = None,
    ) -> WebUI:
        """Makes the web interface, and starts it unless delayed_start."""
        self.web_ui = WebUI(
            self,
            host,
            port,
            web_base_path=web_base_path,
            web_login=web_login,
            tls_cert=tls_cert,
            tls_key=tls_key,
            stats_csv_writer=stats_csv_writer,
            delayed_start=delayed_start,
            userclass_picker_is_active=userclass_picker_is_active,
            build_path=build_path,
        )
        return self.web_ui

    # --- User classes.

    @property
    def user_classes_by_name(self) -> dict[str, type[User]]:
        """The user classes, by their names."""
        return {cls.__name__: cls for cls in self.user_classes}

    def update_user_class(self, user_settings: dict) -> None:
        """Sets attributes of a class; ``tasks`` are names of those tasks that it is to keep."""
        if isinstance(self.runner, MasterRunner):
            self.runner.send_message("update_user_class", user_settings)
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
            self.worker_logs[worker_log_report["worker_id"]] = worker_log_report.get("logs", [])

    def _filter_tasks_by_tags(self) -> None:
        """Drops the tasks that --tags and --exclude-tags leave out. Only the first call does."""
        if self._tasks_filtered:
            return
        self._tasks_filtered = True
        tags, exclude_tags = self._chosen_tags("tags"), self._chosen_tags("exclude_tags")
        for user_class in self.user_classes:
            filter_tasks_by_tags(user_class, tags, exclude_tags)

    def _chosen_tags(self, name: str) -> set[str] | None:
        """The attribute of that name, or else the option."""
        chosen = getattr(self, name)
        if chosen is None:
            chosen = getattr(self.parsed_options, name, None) or None
        return None if chosen is None else set(chosen)

    def _remove_user_classes_with_weight_zero(self) -> None:
        if not self.user_classes:
            return
        for cls in self.user_classes:
            _check_weights(cls)
        kept = [c for c in self.user_classes if c.weight > 0 or c.fixed_count > 0]
        if not kept:
            raise ValueError("There are no users with weight > 0.")
        self.user_classes[:] = kept

    def assign_equal_weights(self) -> None:
        """Makes all classes equally frequent, and in each all tasks, nested ones included."""
        for user_class in self.user_classes:
            leaves: dict[Callable, None] = {}
            _collect_leaves(user_class.tasks, leaves)
            user_class.weight = 1
            user_class.tasks = list(leaves)

    # --- Checks.

    def _validate_user_class_name_uniqueness(self) -> None:
        counts = Counter(cls.__name__ for cls in self.user_classes)
        if any(n > 1 for n in counts.values()):
            where = [cls.fullname() for cls in self.user_classes if counts[cls.__name__] > 1]
            raise ValueError(
                f"The following user classes have the same class name: {', '.join(where)}"
            )

    def _validate_shape_class_instance(self) -> None:
        if self.shape_class is not None and not isinstance(self.shape_class, LoadTestShape):
            raise ValueError(
                "shape_class should be instance of LoadTestShape or subclass LoadTestShape, "
                f"but got: {self.shape_class}"
            )


def _check_weights(cls: type[User]) -> None:
    for name in "weight", "fixed_count":
        value = getattr(cls, name)
        try:
            value > 0
        except TypeError as e:
            e.add_note(f"{name} of class {cls.__name__}{place_of(cls)} is {value!r}; it must be a number")
            raise


def _collect_leaves(tasks: list[TaskHolder | Callable], leaves: dict[Callable, None]) -> None:
    """Adds the functions among tasks and in nested task sets, in Locust's order: the last first."""
    for task in reversed(tasks):
        if isinstance(task, TaskHolder):
            _collect_leaves(task.tasks, leaves)
        elif callable(task):
            leaves[task] = None
        else:
            raise ValueError(f"Unrecognized task type in user: {task!r}")
