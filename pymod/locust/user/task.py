"""Tasks and task sets.

The loop that runs them is native (_locust.TaskSetBase). The classes here give it the metaclass that
collects the tasks, and the class attributes that locustfiles override.
"""

import random  # noqa: F401 - the place where tests replace random.choice
from typing import Protocol, runtime_checkable

from _locust import (
    TaskSetBase,
    filter_tasks_by_tags,
    get_tasks_from_base_classes,
    is_markov_taskset,
    tag,
    task,
)

from locust.legacy import OldAttribute

__all__ = [
    "DefaultTaskSet",
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "TaskHolder",
    "TaskSet",
    "TaskSetMeta",
    "filter_tasks_by_tags",
    "get_tasks_from_base_classes",
    "is_markov_taskset",
    "tag",
    "task",
]

LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING, LOCUST_STATE_STOPPING = "running", "waiting", "stopping"


@runtime_checkable
class TaskHolder(Protocol):
    """What has tasks: User and TaskSet classes."""

    tasks: list


class TaskSetMeta(type):
    """Collects the tasks of the bases and of the class body into one list."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        class_dict["tasks"] = get_tasks_from_base_classes(bases, class_dict)
        return super().__new__(mcs, classname, bases, class_dict, **kwargs)


class TaskSet(TaskSetBase, metaclass=TaskSetMeta):
    """Tasks that belong together; may itself be a task of a User or of another TaskSet.

    A user that runs one stays in it until a task calls interrupt().
    """

    tasks: list = []
    """What is chosen from: functions and TaskSet classes.

    A list, a list of (task, weight) or a dict {task: weight}; @task adds to it.
    """

    min_wait: "float | None" = None
    max_wait: "float | None" = None
    wait_function = None

    locust = OldAttribute("locust", "user")


class DefaultTaskSet(TaskSet):
    """The task set that every user has: runs the user's own tasks, and gives them the user."""

    execute_task = TaskSetBase._execute_with_user
    get_next_task = TaskSetBase._next_for_user
