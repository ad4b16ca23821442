"""Addresses."""

from requests.utils import requote_uri

from locust._fast.urls import URL, InvalidURL

__all__ = ["URL", "InvalidURL", "requote_uri"]
