"""Python's builtins: none of them has to be replaced."""

from builtins import *  # noqa: F403
