"""Attributes of which each green thread has its own: Python's own thread locals do that here."""

from _thread import _local as local

__all__ = ["local"]
