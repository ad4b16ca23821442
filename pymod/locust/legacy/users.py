"""Locust and HttpLocust, as they were before they became User and HttpUser.

``task_set`` names the one task set of a class; a class without it is only there to be derived from.
Waiting times are min_wait and max_wait or wait_function(), in milliseconds, unless there is a
wait_time. Constructors take no arguments, setup() and teardown() are called once for each class.
"""

import inspect
import weakref

from _locust import Greenlet

import locust
from locust.contrib.fasthttp import FastHttpUser
from locust.user.task import TaskSet
from locust.user.users import HttpUser, User, UserMeta

from . import warn_once
from .runners import remember_environment

__all__ = ["FastHttpLocust", "HttpLocust", "Locust", "LocustMeta", "old_class"]


class LocustMeta(UserMeta):
    """Makes ``task_set`` the task of the class."""

    def __new__(mcs, classname, bases, class_dict, **kwargs):
        # The metaclass below would say that it means nothing.
        own = {"task_set": class_dict.pop("task_set")} if "task_set" in class_dict else {}
        cls = super().__new__(mcs, classname, bases, class_dict, **kwargs)
        for name, task_set in own.items():
            setattr(cls, name, task_set)
        cls._takes_arguments = _takes_arguments(cls.__init__)
        if cls.__module__ != __name__:
            cls._adopt()
        return cls

    def _adopt(cls) -> None:
        old = next(base for base in cls.__mro__ if vars(base).get("_replaced_by"))
        warn_once(f"class {old.__name__}", f"class {cls.__name__}({old._replaced_by})")
        remember_environment(locust.events)
        task_set = cls.task_set
        if task_set is not None:
            warn_once("task_set", "tasks = [" + getattr(task_set, "__name__", "...") + "]")
            inherited = {vars(base).get("task_set") for base in cls.__mro__[1:]}
            rest = [task for task in cls.tasks if task is not task_set and task not in inherited]
            cls.tasks = [task_set, *rest]
            _adopt_task_set(task_set)
        _warn_of_milliseconds(cls)
        if not cls.abstract:
            cls.abstract = not cls.tasks or cls.__name__.startswith("_")

    def __call__(cls, *args, **kwargs):
        """The constructor of a locustfile may take no arguments: then the environment is there before."""
        if not args or cls._takes_arguments:
            return super().__call__(*args, **kwargs)
        user = cls.__new__(cls, *args)
        user.environment = args[0]
        user.__init__()
        return user


def _takes_arguments(init) -> bool:
    try:
        parameters = list(inspect.signature(init).parameters.values())[1:]
    except ValueError:
        return True
    return any(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)


class Locust(User, metaclass=LocustMeta):
    """User, as it was."""

    abstract = True
    _replaced_by = "User"

    task_set: "type[TaskSet] | None" = None
    """What the user does."""

    wait_time = None
    min_wait = 1000
    max_wait = 1000

    stop_timeout: "float | None" = None
    """The user ends after so many seconds."""

    def __init__(self, environment=None):
        if environment is None:
            environment = getattr(self, "environment", None)
        super().__init__(environment)
        _set_up_once(self, environment)

    def start(self, group):
        """As User.start()."""
        greenlet = super().start(group)
        if self.stop_timeout is not None:
            ender = Greenlet.spawn_later(self.stop_timeout, _end, weakref.ref(self))
            greenlet.rawlink(lambda _greenlet: ender.kill(block=False))
        return greenlet


def _end(reference) -> None:
    user = reference()
    if user is not None and user._state in ("running", "waiting"):
        user.stop()


def old_class(name: str, base: type, replaced_by: str) -> type:
    """The old form of a class of users: what FastHttpLocust is to FastHttpUser."""
    body = {
        "__doc__": f"{base.__name__}, as it was.",
        "__module__": __name__,
        "_replaced_by": replaced_by,
        "abstract": True,
    }
    return LocustMeta(name, (Locust, base), body)


HttpLocust = old_class("HttpLocust", HttpUser, "HttpUser")
FastHttpLocust = old_class("FastHttpLocust", FastHttpUser, "FastHttpUser")


# --- setup() and teardown()

_set_up: "weakref.WeakSet[type]" = weakref.WeakSet()


def _set_up_once(instance, environment) -> None:
    """Calls setup() of the first instance of a class, and teardown() when the program ends."""
    cls = type(instance)
    if cls in _set_up:
        return
    _set_up.add(cls)
    for name, modern in (("setup", "test_start"), ("teardown", "quitting")):
        if callable(getattr(instance, name, None)):
            warn_once(f"{name}()", f"a listener of events.{modern}")
    if callable(getattr(instance, "setup", None)):
        instance.setup()
    if callable(getattr(instance, "teardown", None)):
        environment.events.quitting.add_listener(lambda **_kwargs: instance.teardown())


def _adopt_task_set(task_set) -> None:
    """Looks for what is old in a task set and those in it."""
    if inspect.isclass(task_set) and issubclass(task_set, TaskSet):
        for task in set(task_set.tasks) - {task_set}:
            _adopt_task_set(task)
        _warn_of_milliseconds(task_set)
        _prepare_setup(task_set)


def _warn_of_milliseconds(cls: type) -> None:
    for name in ("min_wait", "max_wait", "wait_function"):
        if name in vars(cls):
            warn_once(name, "wait_time = between(seconds, seconds), or a method wait_time")


def _prepare_setup(task_set: type) -> None:
    """Has a task set call its setup(), if it has one."""
    own_init = vars(task_set).get("__init__")
    if getattr(own_init, "sets_up", False):
        return
    if not (hasattr(task_set, "setup") or hasattr(task_set, "teardown")):
        return
    init = task_set.__init__

    def __init__(self, parent):
        init(self, parent)
        _set_up_once(self, self.user.environment)

    __init__.sets_up = True
    task_set.__init__ = __init__
