"""The command line, environment variables and configuration files.

The command line is read twice: first only for the locustfiles, as those may add options of their
own, then for everything. Precedence: command line, environment, --config file, pyproject.toml,
locust.conf, ~/.locust.conf.
"""

from __future__ import annotations

import argparse
import ast
import atexit
import contextlib
import difflib
import os
import platform
import shutil
import sys
import tempfile
import tomllib
from collections import OrderedDict
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import configargparse
import requests

import _locust
import locust

from ._missing import missing_text
from ._option_types import (  # noqa: F401
    gt_zero,
    json_user_config,
    positive_integer,
    raise_argument_type_error,
    timespan,
)
from ._options import add_options
from ._output import asked_for, without_password
from ._starter import write_starter
from ._version import version
from .legacy.options import add_old_options
from .util.directory import get_abspaths_in
from .util.url import is_url

DEFAULT_CONFIG_FILES = ("~/.locust.conf", "locust.conf", "pyproject.toml")

YES = ("true", "yes", "on", "1")
NO = ("false", "no", "off", "0")
"""What flags are set to in the environment and in files."""

FLAGS = configargparse.ACTION_TYPES_THAT_DONT_NEED_A_VALUE
"""The actions of options without a value."""

EPILOG = """Examples:

    locust -f my_test.py -H https://www.example.com --headless

    locust --headless -u 100 -r 10 -t 20m MyHttpUser AnotherUser

    LOCUST_USERS=100 locust --headless --config my.conf --only-summary

Every option can also be set in a configuration file, see
https://docs.locust.io/en/stable/configuration.html
"""


class LocustTomlConfigParser(configargparse.ConfigFileParser):
    """Reads the tables of a TOML file that belong to Locust."""

    def __init__(self, sections: list[str]):
        super().__init__()
        self.sections = sections

    def get_syntax_description(self) -> str:
        """What the file is to look like."""
        return f"TOML, with options in the table {' or '.join(self.sections)}"

    def parse(self, stream) -> OrderedDict[str, Any]:
        """The options of the first of our tables that is there."""
        try:
            config = tomllib.loads(stream.read())
        except tomllib.TOMLDecodeError as e:
            raise configargparse.ConfigFileParserException(f"Couldn't parse TOML file: {e}")
        for section in self.sections:
            table = config
            for key in section.split("."):
                table = table.get(key, {}) if isinstance(table, dict) else {}
            if isinstance(table, dict) and table:
                return OrderedDict(
                    (key, value if isinstance(value, list) else str(value))
                    for key, value in table.items()
                )
        return OrderedDict()


class LocustConfigParser(configargparse.ConfigFileParser):
    """Reads *.toml as TOML, and all other files as lines of ``key = value``."""

    def __init__(self):
        super().__init__()
        self.toml = LocustTomlConfigParser(["tool.locust"])
        self.plain = configargparse.DefaultConfigFileParser()

    def get_syntax_description(self) -> str:
        """What the files are to look like."""
        return f"{self.plain.get_syntax_description()}\n{self.toml.get_syntax_description()}"

    def parse(self, stream) -> OrderedDict[str, Any]:
        """The options in a file."""
        return (self.toml if stream.name.endswith(".toml") else self.plain).parse(stream)


class LocustArgumentParser(configargparse.ArgumentParser):
    """An ArgumentParser that knows which options are shown, and how, in the web UI."""

    def add_argument(
        self,
        *args,
        include_in_web_ui: bool = True,
        is_secret: bool = False,
        is_required: bool = False,
        is_multiple: bool = False,
        **kwargs,
    ) -> argparse.Action:
        """As argparse has it. With include_in_web_ui it is a field of the web UI's form: hidden
        as a password (is_secret), mandatory (is_required), or allowing several of its choices
        (is_multiple)."""
        action = super().add_argument(*args, **kwargs)
        action.include_in_web_ui = include_in_web_ui
        action.is_secret = is_secret
        action.is_required = is_required
        action.is_multiple = is_multiple
        return action

    def _arguments_with(self, attribute: str) -> dict[str, argparse.Action]:
        return {a.dest: a for a in self._actions if getattr(a, attribute, False)}

    @property
    def args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """By dest: those shown in the web UI."""
        return self._arguments_with("include_in_web_ui")

    @property
    def secret_args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """By dest: those of them that are secret."""
        secret = self._arguments_with("is_secret")
        return {dest: a for dest, a in self.args_included_in_web_ui.items() if dest in secret}

    @property
    def required_args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """By dest: those of them that must be filled in."""
        required = self._arguments_with("is_required")
        return {dest: a for dest, a in self.args_included_in_web_ui.items() if dest in required}

    @property
    def multiple_args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """By dest: those of them that take several choices."""
        multiple = self._arguments_with("is_multiple")
        return {dest: a for dest, a in self.args_included_in_web_ui.items() if dest in multiple}

    def _get_option_tuples(self, option_string):
        """What an abbreviation can stand for: what Locust does not have counts only if nothing else does."""
        found = super()._get_option_tuples(option_string)
        return [option for option in found if not getattr(option[0], "is_beyond_locust", False)] or found

    def convert_item_to_command_line_arg(self, action, key, value):
        """As configargparse has it, but flags know on and off in all its versions, and an empty
        value is an empty list where a list is wanted."""
        if value == "" and getattr(action, "nargs", None):
            return []
        if isinstance(action, FLAGS):
            return self._flag(action, key, value)
        return super().convert_item_to_command_line_arg(action, key, value)

    def _flag(self, action: argparse.Action, key: str, value: Any) -> list[str]:
        word = value.lower() if isinstance(value, str) else value
        both = isinstance(action, argparse.BooleanOptionalAction)
        if word in YES:
            return [action.option_strings[0 if both else -1]]
        if word in NO:
            return [action.option_strings[1]] if both else []
        if isinstance(action, argparse._CountAction) and str(word).isdecimal():
            return [action.option_strings[0]] * int(word)
        self.error(
            f"Unexpected value for {key}: '{value}'. Expecting 'true', 'false', 'yes', 'no', "
            "'on', 'off', '1' or '0'"
        )

    def error(self, message) -> None:
        """One line, perhaps with a guess at what was meant, and exit code 2."""
        message = str(message)
        text = f"{self.prog}: error: {message}\n"
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            unknown = message[len(prefix) :].split(" ")[0]
            options = [o for a in self._actions for o in a.option_strings]
            guesses = difflib.get_close_matches(unknown, options, n=1)
            if guesses:
                text += f"Did you mean '{guesses[0]}'?\n"
        self.exit(2, text)


# --- Locustfiles.

DOWNLOAD_TIMEOUT_SEC = 60

_directories: set[str] = set()  # made for files that came over the network


def _fail(message: str, code: int = 1):
    sys.stderr.write(message + "\n")
    sys.exit(code)


def exit_handler(filename: str) -> None:
    """Removes a file, if it is still there and may be removed, and the directory that was made for it."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.remove(filename)
    if os.path.dirname(filename) in _directories:
        shutil.rmtree(os.path.dirname(filename), ignore_errors=True)


def download_locustfile_from_url(url: str) -> str:
    """The path of a copy, which is removed when the process ends."""
    try:
        response = requests.get(url, timeout=DOWNLOAD_TIMEOUT_SEC)
    except requests.exceptions.RequestException as e:
        _fail(f"Failed to get locustfile from: {without_password(url)}. Exception: {e}")
    try:
        ast.parse(response.content)
    except (SyntaxError, ValueError):
        _fail(
            f"Failed to get locustfile from: {without_password(url)}. Response was not valid python code: "
            f"'{response.text[:100]}'"
        )
    name = urlsplit(url).path.rpartition("/")[2] or "locustfile.py"
    return _write_locustfile(name, response.content)


def _write_locustfile(name: str, content: bytes) -> str:
    """Its path: in a directory that is ours alone, so that nobody else can have put a file or a link there."""
    try:
        directory = tempfile.mkdtemp(prefix="locust-")
        _directories.add(directory)
        path = os.path.join(directory, name)
        atexit.register(exit_handler, path)
        with open(path, "wb") as file:
            file.write(content)
    except OSError as e:
        _fail(f"Could not save the locustfile: {e}")
    return path


def _parse_locustfile_path(path: str) -> list[str]:
    if is_url(path):
        return [download_locustfile_from_url(path)]
    if os.path.isdir(path):
        paths = get_abspaths_in(path, extension=".py")
        if not paths:
            _fail(f"Could not find any locustfiles in directory '{path}'")
        return paths
    if not (path.endswith(".py") and os.path.exists(path)):
        _fail(
            f"Could not find '{path}'. Ensure your locustfile ends with '.py' or is a directory "
            "with locustfiles. See --help for available options."
        )
    return [os.path.abspath(path)]


def parse_locustfile_paths(paths: list[str]) -> list[str]:
    """The absolute paths of the files that are meant; directories stand for the files in them."""
    return [found for path in paths for found in _parse_locustfile_path(path)]


def get_locustfiles_locally(options: argparse.Namespace) -> list[str]:
    """The files that --locustfile names."""
    if options.locustfile == "-":
        return parse_locustfile_paths(retrieve_locustfiles_from_master(options))
    return parse_locustfile_paths([part.strip() for part in options.locustfile.split(",")])


def download_locustfile_from_master(master_host: str, master_port: int) -> list:
    """The locustfiles that a master sends."""
    _fail(f"locust: error: {missing_text('a locustfile from the master (-f -)')}", 2)


def parse_locustfiles_from_master(locustfile_sources: list) -> list[str]:
    """The paths of what a master sent as {filename, contents}, which is saved; URLs as they are."""
    paths = []
    for source in locustfile_sources:
        if "contents" in source:
            name = os.path.basename(source["filename"])  # never beside the directory it belongs in
            paths.append(_write_locustfile(name, source["contents"].encode()))
        else:
            paths.append(source)
    return paths


def retrieve_locustfiles_from_master(options: argparse.Namespace) -> list[str]:
    """What a worker runs that is started with ``-f -``."""
    if not getattr(options, "worker", False):
        _fail(
            "locustfile was set to '-' (meaning to download from master) but --worker was not "
            "specified."
        )
    sources = download_locustfile_from_master(options.master_host, options.master_port)
    return parse_locustfiles_from_master(sources)


# --- The parsers.


def get_empty_argument_parser(
    add_help=True, default_config_files=DEFAULT_CONFIG_FILES, allow_abbrev=True
) -> LocustArgumentParser:
    """A parser that knows --locustfile and --config only."""
    parser = LocustArgumentParser(
        default_config_files=default_config_files,
        config_file_parser_class=LocustConfigParser,
        add_env_var_help=False,
        add_config_file_help=False,
        add_help=add_help,
        allow_abbrev=allow_abbrev,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=argparse.SUPPRESS,
        description="Usage: locust [options] [UserClass ...]",
        epilog=EPILOG,
    )
    parser._optionals.title = "Common options"
    parser.add_argument(
        "-f",
        "--locustfile",
        metavar="<filename>",
        default="locustfile.py",
        env_var="LOCUST_LOCUSTFILE",
        include_in_web_ui=False,
        help="Where the user classes are: a .py file or the URL of one, several separated by "
        "commas, or a directory of them. Default: locustfile.py",
    )
    parser.add_argument(
        "--config",
        is_config_file_arg=True,
        metavar="<filename>",
        include_in_web_ui=False,
        help="Another configuration file to read options from",
    )
    return parser


def parse_locustfile_option(args: list[str] | None = None) -> argparse.Namespace:
    """Reads what is needed to find the locustfiles.

    Ends the process if help, the version or a locustfile to begin with is asked for.
    """
    parser = get_empty_argument_parser(add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", "-V", action="store_true")
    parser.add_argument("--init", action="store_true")
    parser.add_argument("--worker", action="store_true", env_var="LOCUST_MODE_WORKER")
    # Here so that --master is no beginning of one of the next two.
    parser.add_argument("--master", action="store_true", env_var="LOCUST_MODE_MASTER")
    parser.add_argument("--master-host", default="127.0.0.1", env_var="LOCUST_MASTER_NODE_HOST")
    parser.add_argument("--master-port", type=int, default=5557, env_var="LOCUST_MASTER_NODE_PORT")
    options, _ = parser.parse_known_args(args=args)
    if options.help or options.version:
        with asked_for():
            get_parser().parse_args(args=args)
    if options.init:
        write_starter()
    return options


def _version_text() -> str:
    directory = os.path.dirname(os.path.abspath(locust.__file__))
    return (
        f"locust {version} from {directory} (Python {platform.python_version()})\n"
        f"native locust {_locust.__version__}"
    )


def setup_parser_arguments(parser: LocustArgumentParser) -> None:
    """Adds all of Locust's own options."""
    add_options(parser, _version_text())


def get_parser(default_config_files=DEFAULT_CONFIG_FILES) -> LocustArgumentParser:
    """The parser for everything, options that the locustfiles have added included."""
    parser = get_empty_argument_parser(add_help=True, default_config_files=default_config_files)
    setup_parser_arguments(parser)
    locust.events.init_command_line_parser.fire(parser=parser)
    add_old_options(parser)
    return parser


def parse_options(args: list[str] | None = None) -> argparse.Namespace:
    """Reads all options, and checks those that depend on one another."""
    parser = get_parser()
    options = parser.parse_args(args=args)
    if options.stats_history_enabled and options.csv_prefix is None:
        parser.error("'--csv-full-history' requires '--csv'.")
    return options


# --- Options as the web UI and workers see them.


class UIExtraArgOptions(NamedTuple):
    """How an option is shown in the web UI."""

    default_value: str
    is_secret: bool
    is_required: bool
    help_text: str
    is_multiple: bool
    choices: list[str] | None = None


def default_args_dict() -> dict:
    """Locust's own options and their defaults."""
    parser = get_empty_argument_parser(default_config_files=())
    setup_parser_arguments(parser)
    return vars(parser.parse_args([], env_vars={}))


def ui_extra_args_dict(args: list[str] | None = None) -> dict[str, UIExtraArgOptions]:
    """The options that locustfiles have added, by dest, for the web UI."""
    own = default_args_dict()
    parser = get_parser()
    values = vars(parser.parse_args(args))
    return {
        dest: UIExtraArgOptions(
            default_value=values[dest],
            is_secret=action.is_secret,
            is_required=action.is_required,
            help_text=action.help,
            is_multiple=action.is_multiple,
            choices=action.choices,
        )
        for dest, action in parser.args_included_in_web_ui.items()
        if dest not in own and dest in values
    }
