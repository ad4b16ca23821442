"""``locust.inspectlocust``, as Locust 0.x called locust.user.inspectuser."""

from locust.legacy import warn_once
from locust.user.inspectuser import _get_task_ratio, print_task_ratio, print_task_ratio_json

__all__ = ["get_task_ratio_dict", "print_task_ratio", "print_task_ratio_json"]

warn_once("locust.inspectlocust", "from locust.user.inspectuser import ...")


def get_task_ratio_dict(tasks, total=False, parent_ratio=1.0):
    """How often each of the tasks, or of the classes of users, is run."""
    weights = [task for task in tasks for _ in range(int(getattr(task, "weight", 1) or 1))]
    return _get_task_ratio(weights, total, parent_ratio)
