"""The command line of Locust 0.x: options that have another name now, and those that are gone.

An option that a locustfile adds itself under one of these names is the one that counts.
"""

import argparse
import sys

# What they are called now.
RENAMED = {
    ("-c", "--clients"): "--users",
    ("--csv-base-name",): "--csv",
    ("--expect-slaves",): "--expect-workers",
    ("--hatch-rate",): "--spawn-rate",
    ("--no-web",): "--headless",
    ("--port",): "--web-port",
    ("--slave",): "--worker",
}

# Locust knows these, to refuse them: what it has parsed has a place for them.
PLACES = {"--expect-slaves": "expect_slaves", "--slave": "slave"}

# Why there is nothing in their place.
REFUSED = {
    ("-n", "--num-request"): "a test ends after a time, not after a number of requests: use --run-time. A locustfile "
    "can count in a listener of events.request, and call environment.runner.quit()",
    ("--step-clients", "--step-load", "--step-time", "--step-users"): "give the locustfile a LoadTestShape, which can "
    "add users in steps",
}

_told: set[str] = set()


class _Renamed:
    """Does what the option of today's name does, and says so once."""

    def __init__(self, *args, modern: argparse.Action, **kwargs):
        super().__init__(*args, **kwargs)
        self.modern = modern

    def __call__(self, parser, namespace, values, option_string=None):
        if option_string not in _told:
            _told.add(option_string)
            modern = max(self.modern.option_strings, key=len)
            sys.stderr.write(f"{parser.prog}: warning: {option_string} is of Locust 0.x: write {modern}\n")
        self.modern(parser, namespace, values, self.modern.option_strings[0])


class _RenamedFlag(_Renamed, argparse._StoreTrueAction):
    """One without a value."""


class _RenamedValue(_Renamed, argparse._StoreAction):
    """One with a value."""


class _Refused(argparse.Action):
    """Ends the program with the reason."""

    def __init__(self, *args, reason: str, **kwargs):
        super().__init__(*args, nargs="?", **kwargs)
        self.reason = reason

    def __call__(self, parser, namespace, values, option_string=None):
        parser.error(f"{option_string} is of Locust 0.x and gone: {self.reason}")


def add_old_options(parser) -> None:
    """Adds them to a parser that has all others, not to be seen in --help."""
    taken = parser._option_string_actions
    hidden = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS, "include_in_web_ui": False}
    for names, modern_name in RENAMED.items():
        modern, free = taken.get(modern_name), [name for name in names if name not in taken]
        if modern is None or not free:
            continue
        if modern.nargs == 0:
            more = {"action": _RenamedFlag}
        else:
            more = {"action": _RenamedValue, "nargs": modern.nargs, "type": modern.type, "choices": modern.choices}
        place = {"dest": PLACES[names[0]], "default": None} if names[0] in PLACES else {"dest": modern.dest}
        action = parser.add_argument(*free, modern=modern, **{**hidden, **more, **place})
        action.is_beyond_locust = names[0] not in PLACES
    for names, reason in REFUSED.items():
        if free := [name for name in names if name not in taken]:
            action = parser.add_argument(*free, action=_Refused, reason=reason, dest="locust_0_x", **hidden)
            action.is_beyond_locust = True
