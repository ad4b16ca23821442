"""How long users wait between tasks: values for wait_time."""

from _locust import between, constant, constant_pacing, constant_throughput

__all__ = ["between", "constant", "constant_pacing", "constant_throughput"]
