"""What Locust has and this version does not have yet: it is refused, wherever it is asked for.

The options: the parser knows them all the same. So a locustfile finds in environment.parsed_options what it expects, and nobody who
asks for something is left to find out that nothing came of it. An option that is made goes from MISSING to its place in
argument_parser.py, and its line from docs/differences.md.

gevent: one that is installed switches stacks in a way of its own, which crashes the program.
"""

from __future__ import annotations

import argparse
import sys
from importlib.abc import MetaPathFinder
from typing import Any, NamedTuple


class Missing(NamedTuple):
    """One option. The environment variable and the dest are named if they are not those that the option suggests."""

    names: tuple[str, ...]
    default: Any = None
    env_var: str | None = ""
    """None: there is none."""
    dest: str | None = None
    nargs: str | int | None = None

    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return self.default is False or self.nargs == 0


MISSING = (
    # The web interface
    Missing(("--web-host",), ""),
    Missing(("--web-host-display-name",)),
    Missing(("--web-port", "-P"), 8089),
    Missing(("--autostart",), False),
    Missing(("--autoquit",), -1),
    Missing(("--headful",), False),
    Missing(("--web-auth",)),
    Missing(("--web-login",), False),
    Missing(("--tls-cert",), ""),
    Missing(("--tls-key",), ""),
    Missing(("--class-picker",), False, "LOCUST_USERCLASS_PICKER"),
    Missing(("--build-path",), ""),
    Missing(("--legacy-ui",), False),
    Missing(("--web-base-path",), ""),
    # Several processes
    Missing(("--master",), False, "LOCUST_MODE_MASTER"),
    Missing(("--master-bind-host",), "*"),
    Missing(("--master-bind-port",), 5557),
    Missing(("--expect-workers",), 1),
    Missing(("--expect-workers-max-wait",), 0),
    Missing(("--enable-rebalancing",), False, None),
    Missing(("--worker",), False, "LOCUST_MODE_WORKER"),
    Missing(("--processes",)),
    Missing(("--master-host",), "127.0.0.1", "LOCUST_MASTER_NODE_HOST"),
    Missing(("--master-port",), 5557, "LOCUST_MASTER_NODE_PORT"),
)


def _source(parser, action: argparse.Action) -> str:
    """Where the option comes from, in brackets, if that is not the command line."""
    for source, settings in parser.get_source_to_settings_dict().items():
        kind, _, name = source.partition("|")
        if kind in ("environment_variables", "config_file"):
            for key, (setter, _) in settings.items():
                if setter is action:
                    return f" ({name or key})"
    return ""


def missing_text(what: str) -> str:
    """What is said about anything that is not there yet."""
    return f"{what} is not there yet: this version runs one process, headless (see docs/differences.md)"


def _refuse(action: argparse.Action, parser) -> None:
    if parser.refuses_missing:
        parser.error(missing_text(f"{action.option_strings[0]}{_source(parser, action)}"))


class _MissingFlag(argparse._StoreTrueAction):
    def __call__(self, parser, namespace, values, option_string=None):
        _refuse(self, parser)


class _MissingValue(argparse._StoreAction):
    def __call__(self, parser, namespace, values, option_string=None):
        # As in VARIABLE= of a compose file: nothing was asked for.
        if values not in ("", []):
            _refuse(self, parser)


def add_missing_options(parser) -> None:
    """Adds them, not to be seen in --help."""
    for option in MISSING:
        variable = "LOCUST_" + option.names[0][2:].replace("-", "_").upper()
        more: dict[str, Any] = {"dest": option.dest} if option.dest else {}
        if option.is_flag():
            more["action"] = _MissingFlag
        else:
            more.update(action=_MissingValue, nargs=option.nargs)
        parser.add_argument(
            *option.names,
            env_var=variable if option.env_var == "" else option.env_var,
            include_in_web_ui=False,
            help=argparse.SUPPRESS,
            default=option.default,
            **more,
        )


class _RefuseGevent(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname == "gevent":
            raise ImportError(
                "gevent is not there yet, and the one that is installed would crash the program: "
                "use time.sleep and the like (see docs/differences.md)",
                name=fullname,
            )
        return None


def refuse_gevent() -> None:
    """From now on ``import gevent`` is an ImportError that says why."""
    sys.meta_path.insert(0, _RefuseGevent())
