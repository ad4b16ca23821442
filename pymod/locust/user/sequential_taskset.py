"""Task sets whose tasks run one after the other."""

from _locust import TaskSetBase, get_tasks_in_order

from .task import TaskSet, TaskSetMeta

__all__ = ["SequentialTaskSet", "SequentialTaskSetMeta"]


class SequentialTaskSetMeta(TaskSetMeta):
    """Collects the tasks in the order in which they stand in the class body."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        class_dict["tasks"] = get_tasks_in_order(bases, class_dict)
        return type.__new__(mcs, classname, bases, class_dict, **kwargs)


class SequentialTaskSet(TaskSet, metaclass=SequentialTaskSetMeta):
    """A TaskSet that runs its tasks in the order in which they are written, over and over.

    A task with a weight runs that many times in a row.
    """

    _task_cycle = TaskSetBase._cycle
    get_next_task = TaskSetBase._next_in_sequence
