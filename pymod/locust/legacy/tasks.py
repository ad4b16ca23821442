"""TaskSequence and @seq_task, which became SequentialTaskSet."""

from _locust import TaskSetBase

from locust.user.task import TaskSet, TaskSetMeta

from . import warn_once

__all__ = ["TaskSequence", "seq_task"]


def seq_task(order: int):
    """A decorator: the task's place among those of its TaskSequence."""
    warn_once("@seq_task", "@task in a SequentialTaskSet: tasks run in the order of the class body")

    def mark(function):
        function.locust_task_order = order
        if not hasattr(function, "locust_task_weight"):
            function.locust_task_weight = 1
        return function

    return mark


class _TaskSequenceMeta(TaskSetMeta):
    """Puts the tasks into their order."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        cls = super().__new__(mcs, classname, bases, class_dict, **kwargs)
        cls.tasks.sort(key=lambda task: getattr(task, "locust_task_order", 1))
        if cls.__module__ != __name__:
            warn_once("class TaskSequence", f"class {classname}(SequentialTaskSet)")
        return cls


class TaskSequence(TaskSet, metaclass=_TaskSequenceMeta):
    """A TaskSet that runs its tasks one after the other; those of equal order as they are written."""

    get_next_task = TaskSetBase._next_in_sequence
