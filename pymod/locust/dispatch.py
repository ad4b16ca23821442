"""Which users are to run where: see UsersDispatcher."""

from _locust import UsersDispatcher, _kl_generator

__all__ = ["UsersDispatcher", "_kl_generator"]
