"""time, with a sleep() that lets the others run."""

from time import *  # noqa: F403

from _locust import sleep

__all__ = ["sleep"]
