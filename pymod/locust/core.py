"""``locust.core``, where Locust 0.x had its classes."""

from locust import HttpLocust, Locust, events
from locust.exception import (
    InterruptTaskSet,
    LocustError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopUser,
)
from locust.legacy import warn_once
from locust.legacy.tasks import TaskSequence, seq_task
from locust.user.task import DefaultTaskSet, TaskSet, TaskSetMeta, task

StopLocust = StopUser

__all__ = [
    "DefaultTaskSet",
    "HttpLocust",
    "InterruptTaskSet",
    "Locust",
    "LocustError",
    "RescheduleTask",
    "RescheduleTaskImmediately",
    "StopLocust",
    "TaskSequence",
    "TaskSet",
    "TaskSetMeta",
    "events",
    "seq_task",
    "task",
]

warn_once("locust.core", "from locust import ...")
