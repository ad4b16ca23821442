"""Task sets whose tasks follow one another as a Markov chain.

Each task names those that may come after it, with weights. The chain is checked when the class is
made; following it is native (_locust.TaskSetBase).
"""

import logging

from _locust import TaskSetBase

from locust.exception import LocustError

from .task import TaskSet, TaskSetMeta

__all__ = [
    "InvalidTransitionError",
    "MarkovTaskSet",
    "MarkovTaskSetMeta",
    "MarkovTaskTagError",
    "NoMarkovTasksError",
    "NonMarkovTaskTransitionError",
    "get_markov_tasks",
    "is_markov_task",
    "to_weighted_list",
    "transition",
    "transitions",
    "validate_has_markov_tasks",
    "validate_markov_chain",
    "validate_no_tags",
    "validate_no_unreachable_tasks",
    "validate_task_name",
    "validate_transitions",
]


class NoMarkovTasksError(LocustError):
    """A MarkovTaskSet has no task with a transition."""


class InvalidTransitionError(LocustError):
    """A transition leads to something that the class does not have."""


class NonMarkovTaskTransitionError(LocustError):
    """A transition leads to something that has no transitions itself, so the chain would end."""


class MarkovTaskTagError(LocustError):
    """A task of a MarkovTaskSet has tags; leaving it out would break the chain."""


# --- What makes a task a state of the chain.


def _add_transitions(function, weights: dict):
    if not hasattr(function, "transitions"):
        function.transitions = {}
    function.transitions.update(weights)
    return function


def transition(func_name: str, weight: int = 1):
    """A decorator: the task may be followed by the one of that name."""
    return lambda function: _add_transitions(function, {func_name: weight})


def transitions(weights):
    """A decorator: the task may be followed by these.

    A dict {name: weight}, or a list of names and pairs (name, weight).
    """
    if not isinstance(weights, dict):
        pairs = [item if isinstance(item, tuple) else (item, 1) for item in weights]
        weights = {name: weight for name, weight in pairs}
    return lambda function: _add_transitions(function, weights)


def is_markov_task(task) -> bool:
    """Whether it has transitions."""
    return "transitions" in dir(task)


def get_markov_tasks(class_dict: dict) -> list:
    """The tasks with transitions among the values of a class body."""
    return list(filter(is_markov_task, class_dict.values()))


def to_weighted_list(transitions: dict) -> list:
    """The names, each as often as its weight says."""
    return [name for name, weight in transitions.items() for _ in range(weight)]


# --- What is wrong with a chain.


def validate_has_markov_tasks(tasks: list, classname: str) -> None:
    """There has to be a first task."""
    if not tasks:
        raise NoMarkovTasksError(
            f"No Markov tasks defined in class {classname}. Decorate its methods with @transition "
            "or @transitions, or set abstract = True if it is only there to be subclassed."
        )


def validate_transitions(tasks: list, class_dict: dict, classname: str) -> None:
    """Every transition has to lead to another task of the chain."""
    for task in tasks:
        for name in task.transitions:
            target = class_dict.get(name)
            if not target:
                raise InvalidTransitionError(
                    f"Transition to {name} from {task.__name__} is invalid since no such element "
                    f"exists on class {classname}"
                )
            if not is_markov_task(target):
                raise NonMarkovTaskTransitionError(
                    f"{classname}.{name} cannot be used as a target for a transition (it is one of "
                    f"{task.__name__}'s), because it has no transitions itself"
                )


def validate_no_unreachable_tasks(tasks: list, class_dict: dict, classname: str) -> list:
    """Warns of tasks to which no way leads from the first one. Returns the tasks."""
    reached = set()
    pending = [tasks[0].__name__]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += to_weighted_list(class_dict[name].transitions)
    unreachable = {task.__name__ for task in tasks} - reached
    if unreachable:
        logging.warning(
            "The following markov tasks are unreachable in class %s: %s", classname, unreachable
        )
    return tasks


def validate_task_name(decorated_func) -> None:
    """Some names have a meaning already."""
    name = decorated_func.__name__
    if name == "run":
        raise Exception(
            "run() is what a TaskSet does all the time: it cannot have transitions; "
            "give the task another name"
        )
    if name in ("on_start", "on_stop"):
        logging.warning(
            "%s is decorated with @transition: it will be called as a task as well as at the "
            "start or stop of its task set",
            name,
        )


def validate_no_tags(task, classname: str) -> None:
    """Filtering by tags would leave holes in the chain."""
    if "locust_tag_set" in dir(task):
        raise MarkovTaskTagError(
            "Tags are unsupported for MarkovTaskSet, because leaving tasks out breaks the chain: "
            f"{classname}.{task.__name__} has {task.locust_tag_set}"
        )


def validate_markov_chain(tasks: list, class_dict: dict, classname: str) -> None:
    """All of the above."""
    validate_has_markov_tasks(tasks, classname)
    validate_transitions(tasks, class_dict, classname)
    validate_no_unreachable_tasks(tasks, class_dict, classname)
    for task in tasks:
        validate_task_name(task)
        validate_no_tags(task, classname)


# --- The classes.


class MarkovTaskSetMeta(TaskSetMeta):
    """Checks the chain of a class body, and makes its first task the current one."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        if not class_dict.get("abstract"):
            class_dict["abstract"] = False
            tasks = get_markov_tasks(class_dict)
            validate_markov_chain(tasks, class_dict, classname)
            class_dict["current"] = tasks[0]
            for task in tasks:
                task.transitions = to_weighted_list(task.transitions)
        return type.__new__(mcs, classname, bases, class_dict, **kwargs)


class MarkovTaskSet(TaskSet, metaclass=MarkovTaskSetMeta):
    """A TaskSet that begins with its first task; each task says which may be next.

    Only tasks with @transition or @transitions count, and only those of the class itself.
    """

    abstract: bool = True
    """Whether the class is only there to be derived from. Not inherited."""

    get_next_task = TaskSetBase._next_in_chain
