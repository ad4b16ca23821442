"""Types of arguments: what a text on the command line stands for, what is said about a bad one."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable

import _locust

from .util.timespan import parse_timespan


def raise_argument_type_error(err_msg: str) -> type[argparse.Action]:
    """An action that says what is wrong with an option, whatever its value is."""

    class Refuse(argparse.Action):
        def __call__(self, parser, namespace, values, option_string=None):
            raise argparse.ArgumentError(self, err_msg)

    return Refuse


def timespan(time_str: str) -> int:
    """Seconds in a time span like 1h30m."""
    try:
        return parse_timespan(time_str)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e))


def positive_integer(string: str) -> int:
    """A number above 0."""
    try:
        value = int(string)
    except ValueError:
        value = None
    if value is None or value < 1:
        raise argparse.ArgumentTypeError(f"Invalid argument ({string}), must be a positive number")
    return value


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A type of whole numbers in a range."""

    def checker(string: str) -> int:
        try:
            value = int(string)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"Invalid argument ({string}), must be a number from {least} to {most}")
        return value

    return checker


exit_status = whole_number(0, 255)
"""What a process can end with."""

io_threads = whole_number(1, 256)
"""As many as the engine can have."""


def source_address(string: str) -> str:
    """A local IP address."""
    return _checked(_locust.check_source_address, string)


def resolve_entry(string: str) -> str:
    """host:port:address."""
    return _checked(_locust.check_resolve, string)


def _checked(check, string: str) -> str:
    try:
        check(string)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e))
    return string


def gt_zero(t):
    """A type like t whose values must be finite and above 0."""

    def checker(value):
        number = t(value)
        if not math.isfinite(number):
            raise argparse.ArgumentTypeError("must be a finite number")
        if number <= 0:
            raise argparse.ArgumentTypeError("must be > 0")
        return number

    return checker


def _is_user_config(config) -> bool:
    return isinstance(config, dict) and "user_class_name" in config


def json_user_config(string: str) -> list[dict]:
    """What a JSON document, or the .json file of that name, wants of user classes."""
    try:
        if string.endswith(".json"):
            with open(string, encoding="utf-8") as file:
                config = json.load(file)
        else:
            config = json.loads(string)
    except OSError as e:
        raise argparse.ArgumentTypeError(str(e))
    except ValueError as e:
        raise argparse.ArgumentTypeError(
            f"The --config-users argument must be a valid JSON string or file: {e}"
        )
    configs = config if isinstance(config, list) else [config]
    if not all(map(_is_user_config, configs)):
        raise argparse.ArgumentTypeError("The user config must specify a user_class_name")
    return configs
