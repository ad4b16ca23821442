"""Names of Locust 0.x, which say what has become of them."""

import warnings

warnings.filterwarnings("always", category=DeprecationWarning, module="locust")


def check_for_deprecated_task_set_attribute(class_dict: dict) -> None:
    """Warns of a ``task_set`` attribute that would be ignored."""
    from locust.user.task import TaskSet

    task_set = class_dict.get("task_set")
    if (
        isinstance(task_set, type)
        and issubclass(task_set, TaskSet)
        and not hasattr(task_set, "locust_task_weight")
    ):
        warnings.warn(
            "Usage of User.task_set is deprecated since version 1.0. Set the tasks attribute "
            f"instead (tasks = [{task_set.__name__}])",
            DeprecationWarning,
            stacklevel=3,
        )


def _refuse_subclasses(old: str, new: str, package: str):
    def init_subclass(cls, **kwargs):
        raise ImportError(
            f"The {old} class has been renamed to {new} in version 1.0. "
            f"Use {package}.{new}; its attributes have changed as well, see the changelog."
        )

    return classmethod(init_subclass)


class DeprecatedLocustClass:
    """What locust.Locust is now: a name that says so when it is subclassed."""

    __init_subclass__ = _refuse_subclasses("Locust", "User", "locust")


class DeprecatedHttpLocustClass:
    """The same for locust.HttpLocust."""

    __init_subclass__ = _refuse_subclasses("HttpLocust", "HttpUser", "locust")


class DeprecatedFastHttpLocustClass:
    """The same for locust.contrib.fasthttp.FastHttpLocust."""

    __init_subclass__ = _refuse_subclasses(
        "FastHttpLocust", "FastHttpUser", "locust.contrib.fasthttp"
    )
