"""Header fields."""

from locust._fast.headers import Headers

__all__ = ["Headers"]
