"""Names of Locust 0.x. They work here; see locust.legacy."""

import warnings

from locust.legacy import warn
from locust.legacy.users import FastHttpLocust as DeprecatedFastHttpLocustClass
from locust.legacy.users import HttpLocust as DeprecatedHttpLocustClass
from locust.legacy.users import Locust as DeprecatedLocustClass

__all__ = [
    "DeprecatedFastHttpLocustClass",
    "DeprecatedHttpLocustClass",
    "DeprecatedLocustClass",
    "check_for_deprecated_task_set_attribute",
]

warnings.filterwarnings("always", category=DeprecationWarning, module="locust")


def check_for_deprecated_task_set_attribute(class_dict: dict) -> None:
    """Warns of a ``task_set`` in a class body, which means nothing to a User."""
    from locust.user.task import TaskSet

    task_set = class_dict.get("task_set")
    if (
        isinstance(task_set, type)
        and issubclass(task_set, TaskSet)
        and not hasattr(task_set, "locust_task_weight")
    ):
        warn(
            "Usage of User.task_set is deprecated since version 1.0. Set the tasks attribute "
            f"instead (tasks = [{task_set.__name__}])"
        )
