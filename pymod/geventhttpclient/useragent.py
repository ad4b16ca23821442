"""The user agent, its requests, its replies, its exceptions."""

from locust._fast.agent import UserAgent
from locust._fast.errors import (
    BadStatusCode,
    ConnectionError,
    EmptyResponse,
    RetriesExceeded,
    UnrewoundBodyError,
    UnsupportedRedirectSchemeError,
)
from locust._fast.replies import CompatRequest, CompatResponse

__all__ = [
    "BadStatusCode",
    "CompatRequest",
    "CompatResponse",
    "ConnectionError",
    "EmptyResponse",
    "RetriesExceeded",
    "UnrewoundBodyError",
    "UnsupportedRedirectSchemeError",
    "UserAgent",
]
