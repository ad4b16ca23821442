"""Load shapes: how many users there are to be, as a function of time."""

from __future__ import annotations

import time
from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .runners import Runner
    from .user import User

__all__ = ["LoadTestShape", "LoadTestShapeMeta"]


class LoadTestShapeMeta(ABCMeta):
    """Makes a class concrete unless its own body says abstract = True."""

    def __new__(mcs, classname, bases, class_dict):
        class_dict.setdefault("abstract", False)
        return super().__new__(mcs, classname, bases, class_dict)


class LoadTestShape(metaclass=LoadTestShapeMeta):
    """Derive from it and write tick(), and the number of users follows that."""

    runner: Runner | None = None
    """The runner whose users are meant."""

    abstract: ClassVar[bool] = True
    """Whether the class is only there to be derived from. Not inherited."""

    use_common_options: ClassVar[bool] = False
    """Whether the shape reads --users, --spawn-rate and --run-time itself."""

    # Subclasses need not call our __init__.
    start_time: float | None = None

    def __init__(self):
        self.reset_time()

    def reset_time(self) -> None:
        """Makes this the moment from which run time counts."""
        self.start_time = time.perf_counter()

    def get_run_time(self) -> float:
        """Seconds since the test began."""
        if self.start_time is None:
            self.reset_time()
        return time.perf_counter() - self.start_time

    def get_current_user_count(self) -> int:
        """How many users there are."""
        return self.runner.user_count

    @abstractmethod
    def tick(self) -> tuple[int, float] | tuple[int, float, list[type[User]] | None] | None:
        """How many users there are to be now, and how many a second are to be started or stopped.

        A third value, a list of user classes, says which classes new users are of. None ends the
        test. Called about once a second.
        """
