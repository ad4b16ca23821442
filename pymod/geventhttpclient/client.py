"""Clients of one host, and pools of them."""

from locust._fast.agent import HTTPClient, HTTPClientPool

__all__ = ["HTTPClient", "HTTPClientPool"]
