"""What may come instead of a reply."""

from locust._fast.errors import HTTPConnectionClosed, HTTPParseError, HTTPProtocolViolationError

__all__ = ["HTTPConnectionClosed", "HTTPParseError", "HTTPProtocolViolationError"]
