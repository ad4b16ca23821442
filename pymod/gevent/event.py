"""Events and results."""

from _locust import AsyncResult, Event

__all__ = ["Event", "AsyncResult"]
