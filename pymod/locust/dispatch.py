"""Which users are to run where: see UsersDispatcher."""

from _locust import UsersDispatcher

__all__ = ["UsersDispatcher"]
