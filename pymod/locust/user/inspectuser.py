"""How often each class and task is run, as --show-task-ratio prints it."""

import json
from collections import Counter

from .task import TaskSet

__all__ = ["get_ratio", "print_task_ratio", "print_task_ratio_json"]


def print_task_ratio(user_classes, num_users, total) -> None:
    """Prints a table; with total, the figures of tasks are those of all users together."""
    _print_task_ratio(get_ratio(user_classes, _calc_distribution(user_classes, num_users), total))


def print_task_ratio_json(user_classes, num_users) -> None:
    """Prints both kinds of figures as a JSON object."""
    counts = _calc_distribution(user_classes, num_users)
    ratios = {
        "per_class": get_ratio(user_classes, counts, False),
        "total": get_ratio(user_classes, counts, True),
    }
    print(json.dumps(ratios, indent=4))


def _calc_distribution(user_classes, num_users) -> dict[str, int]:
    """How many users of each class there are if there are num_users (None or 0: as few as show it)."""
    fixed = sum(cls.fixed_count for cls in user_classes if cls.fixed_count)
    weights = sum(cls.weight for cls in user_classes if not cls.fixed_count)
    if not num_users:
        num_users = 1 if fixed else weights
    left = max(0, num_users - fixed)
    return {
        cls.__name__: round(cls.fixed_count or cls.weight / weights * left) for cls in user_classes
    }


def _print_task_ratio(x, level=0) -> None:
    indent = "  " * level
    for name, entry in x.items():
        percent = entry.get("ratio", 1) * 100
        print(" %-10s %-50s" % (f"{indent}{percent:<6.1f}", indent + name))
        if "tasks" in entry:
            _print_task_ratio(entry["tasks"], level + 1)


def get_ratio(user_classes, user_spawned: dict[str, int], total: bool) -> dict:
    """{class: {"ratio": of 1, "tasks": {task: {"ratio": of 1, and so on}}}}, by name.

    user_spawned says how many users there are of each class. With total, the ratios of tasks are
    of everything that all users do; otherwise of what their class or task set does.
    """
    spawned = sum(user_spawned.values()) or 1
    ratios = {cls: user_spawned.get(cls.__name__, 0) / spawned for cls in user_classes}
    return {
        cls.__name__: {"ratio": ratio, "tasks": _get_task_ratio(cls.tasks, total, ratio)}
        for cls, ratio in ratios.items()
    }


def _get_task_ratio(tasks, total, parent_ratio) -> dict:
    whole = parent_ratio if total else 1.0
    result = {}
    for task, count in Counter(tasks).items():
        entry = {"ratio": count * whole / len(tasks)}
        if isinstance(task, type) and issubclass(task, TaskSet):
            entry["tasks"] = _get_task_ratio(task.tasks, total, entry["ratio"])
        result[task.__name__] = entry
    return result
