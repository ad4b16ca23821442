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
import json
import os
import platform
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

from ._missing import add_missing_options, missing_text
from ._version import version
from .legacy.options import add_old_options
from .util.directory import get_abspaths_in
from .util.timespan import parse_timespan
from .util.url import is_url

DEFAULT_CONFIG_FILES = ("~/.locust.conf", "locust.conf", "pyproject.toml")

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

    refuses_missing = True
    """Whether options that are not there yet end the program."""

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

    def convert_item_to_command_line_arg(self, action, key, value):
        """As configargparse has it, but an empty value is an empty list where a list is wanted."""
        if value == "" and getattr(action, "nargs", None) == "*":
            return []
        return super().convert_item_to_command_line_arg(action, key, value)

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


# --- Types of arguments.


def raise_argument_type_error(err_msg: str):
    """Says what is wrong with an argument."""
    raise argparse.ArgumentTypeError(err_msg)


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


def gt_zero(t):
    """A type like t whose values must be above 0."""

    def checker(value):
        number = t(value)
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


# --- Locustfiles.

DOWNLOAD_TIMEOUT_SEC = 60


def _fail(message: str, code: int = 1):
    sys.stderr.write(message + "\n")
    sys.exit(code)


def exit_handler(filename: str) -> None:
    """Removes a file, if it is still there and may be removed."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.remove(filename)


def download_locustfile_from_url(url: str) -> str:
    """The path of a copy, which is removed when the process ends."""
    try:
        response = requests.get(url, timeout=DOWNLOAD_TIMEOUT_SEC)
    except requests.exceptions.RequestException as e:
        _fail(f"Failed to get locustfile from: {url}. Exception: {e}")
    try:
        ast.parse(response.content)
    except (SyntaxError, ValueError):
        _fail(
            f"Failed to get locustfile from: {url}. Response was not valid python code: "
            f"'{response.text[:100]}'"
        )
    name = urlsplit(url).path.rpartition("/")[2] or "locustfile.py"
    path = os.path.join(tempfile.gettempdir(), name)
    _write_locustfile(path, response.content)
    atexit.register(exit_handler, path)
    return path


def _write_locustfile(path: str, content: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as e:
        _fail(f"Could not save the locustfile: {e}")


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
            path = os.path.join(tempfile.gettempdir(), name)
            _write_locustfile(path, source["contents"].encode())
            paths.append(path)
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

    Ends the process if help or the version is asked for.
    """
    parser = get_empty_argument_parser(add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", "-V", action="store_true")
    options, _ = parser.parse_known_args(args=args)
    if options.help or options.version:
        parser = get_parser()
        parser.refuses_missing = False
        parser.parse_args(args=args)
    _refuse_missing_options(args)
    return options


def _refuse_missing_options(args: list[str] | None) -> None:
    """Before the locustfiles are looked for, as a missing option may be where they come from.

    What is not spelled out may be the beginning of an option that a locustfile adds.
    """
    parser = get_empty_argument_parser(add_help=False, allow_abbrev=False)
    add_missing_options(parser)
    parser.parse_known_args(args=args)


def _version_text() -> str:
    directory = os.path.dirname(os.path.abspath(locust.__file__))
    return (
        f"locust {version} from {directory} (Python {platform.python_version()})\n"
        f"native locust {_locust.__version__}"
    )


def _add_common_options(parser: LocustArgumentParser) -> None:
    add = parser.add_argument
    add(
        "-H",
        "--host",
        metavar="<base url>",
        include_in_web_ui=False,
        env_var="LOCUST_HOST",
        help="What to test, e.g. https://www.example.com. Used instead of the host of the user "
        "classes",
    )
    add(
        "-u",
        "--users",
        type=int,
        metavar="<int>",
        dest="num_users",
        include_in_web_ui=False,
        env_var="LOCUST_USERS",
        help="How many users to run at the same time. During a test, the keys w and W start 1 and "
        "10 more, s and S stop 1 and 10. Default: 1",
    )
    add(
        "-r",
        "--spawn-rate",
        type=gt_zero(float),
        metavar="<float>",
        include_in_web_ui=False,
        env_var="LOCUST_SPAWN_RATE",
        help="How many users to start per second. Default: 1",
    )
    add(
        "-t",
        "--run-time",
        type=timespan,
        metavar="<time string>",
        include_in_web_ui=False,
        env_var="LOCUST_RUN_TIME",
        help="Stop after this time, e.g. 300s, 20m, 3h, 1h30m. Default: never",
    )
    add(
        "-l",
        "--list",
        action="store_true",
        dest="list_commands",
        include_in_web_ui=False,
        help="Print the user classes there are, and exit",
    )
    add(
        "--config-users",
        type=json_user_config,
        nargs="*",
        metavar="<JSON or filename>",
        include_in_web_ui=False,
        env_var="LOCUST_CONFIG_USERS",
        help='Attributes of user classes, as JSON: {"user_class_name": "A", "weight": 3, "tasks": '
        '["buy"]}, or a list of such; or .json files with them. tasks names those that it keeps',
    )


def _add_web_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Web UI options")
    group.add_argument(
        "--headless",
        action="store_true",
        env_var="LOCUST_HEADLESS",
        help="Start the test at once, without a web interface",
    )


def _add_tag_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group(
        "Tag options", "Tasks can be given tags with the decorator @tag, to choose among them here."
    )
    group.add_argument(
        "-T",
        "--tags",
        nargs="*",
        metavar="<tag>",
        env_var="LOCUST_TAGS",
        help="Run only tasks that have one of these tags",
    )
    group.add_argument(
        "-E",
        "--exclude-tags",
        nargs="*",
        metavar="<tag>",
        env_var="LOCUST_EXCLUDE_TAGS",
        help="Run no task that has one of these tags",
    )


def _add_stats_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Request statistics options")
    group.add_argument(
        "--csv",
        dest="csv_prefix",
        metavar="<filename>",
        env_var="LOCUST_CSV",
        help="Write statistics to the CSV files <filename>_stats.csv, _stats_history.csv, "
        "_failures.csv and _exceptions.csv",
    )
    group.add_argument(
        "--csv-full-history",
        action="store_true",
        dest="stats_history_enabled",
        env_var="LOCUST_CSV_FULL_HISTORY",
        help="Write the history of each request, not only of all together; needs --csv",
    )
    group.add_argument(
        "--html",
        dest="html_file",
        metavar="<filename>",
        env_var="LOCUST_HTML",
        help="Write an HTML report to this file at the end of the test. {u}, {r} and {t} in its "
        "name stand for the number of users, the spawn rate and the run time",
    )
    group.add_argument(
        "--print-stats",
        action="store_true",
        env_var="LOCUST_PRINT_STATS",
        help="Print statistics while the test runs, as --headless does anyway",
    )
    group.add_argument(
        "--only-summary",
        action="store_true",
        env_var="LOCUST_ONLY_SUMMARY",
        help="Print statistics at the end only",
    )
    group.add_argument(
        "--reset-stats",
        action="store_true",
        env_var="LOCUST_RESET_STATS",
        help="Begin statistics anew when all users have been started",
    )
    group.add_argument(
        "--json",
        action="store_true",
        help="Print the final statistics as JSON to the standard output",
    )
    group.add_argument(
        "--json-file",
        metavar="<filename>",
        help="Write the final statistics as JSON to <filename>.json, instead of the final tables",
    )


def _add_logging_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Logging options")
    group.add_argument(
        "--skip-log-setup",
        action="store_true",
        env_var="LOCUST_SKIP_LOG_SETUP",
        help="Leave logging to the locustfile, or to Python's defaults",
    )
    group.add_argument(
        "--loglevel",
        "-L",
        type=str.upper,
        choices=["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        metavar="<level>",
        default="INFO",
        env_var="LOCUST_LOGLEVEL",
        help="DEBUG, INFO, WARNING, ERROR or CRITICAL. Default: INFO",
    )
    group.add_argument(
        "--logfile",
        metavar="<filename>",
        env_var="LOCUST_LOGFILE",
        help="Append log lines to this file instead of writing them to stderr",
    )


def _add_other_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Other options")
    group.add_argument(
        "--version",
        "-V",
        action="version",
        version=_version_text(),
        help="Print the version and exit",
    )
    group.add_argument(
        "--show-task-ratio",
        action="store_true",
        help="Print how often the tasks of each user class are run, and exit. With classes of a "
        "fixed count, name --users as well",
    )
    group.add_argument(
        "--show-task-ratio-json",
        action="store_true",
        help="Print the same as JSON, and exit",
    )
    group.add_argument(
        "--equal-weights",
        action="store_true",
        help="Run all user classes, and in each all tasks, equally often",
    )
    group.add_argument(
        "--profile",
        metavar="<name>",
        help="A name for the kind of test this is, for reports",
    )
    group.add_argument(
        "--exit-code-on-error",
        type=int,
        metavar="<int>",
        default=1,
        env_var="LOCUST_EXIT_CODE_ON_ERROR",
        help="Exit code if a request or a task has failed. Default: 1",
    )
    group.add_argument(
        "-s",
        "--stop-timeout",
        type=timespan,
        metavar="<number>",
        default="0",
        env_var="LOCUST_STOP_TIMEOUT",
        help="Seconds that users get to finish their tasks when the test stops. Default: 0, end "
        "them at once",
    )
    group.add_argument(
        "--otel",
        action="store_true",
        env_var="LOCUST_ENABLE_OPENTELEMETRY",
        help="Export traces, metrics and logs with OpenTelemetry",
    )
    group.add_argument(
        "--io-threads",
        type=positive_integer,
        metavar="<int>",
        default=1,
        env_var="LOCUST_IO_THREADS",
        help="Threads that carry HTTP requests. Default: 1",
    )
    group.add_argument(
        "--stack-size",
        type=positive_integer,
        metavar="<KB>",
        env_var="LOCUST_STACK_SIZE",
        help="Address space that is reserved for each user's stack; only what is touched uses "
        "memory",
    )


def setup_parser_arguments(parser: LocustArgumentParser) -> None:
    """Adds all of Locust's own options."""
    _add_common_options(parser)
    _add_web_options(parser)
    _add_tag_options(parser)
    _add_stats_options(parser)
    _add_logging_options(parser)
    _add_other_options(parser)
    add_missing_options(parser)
    group = parser.add_argument_group("User classes")
    group.add_argument(
        "user_classes",
        nargs="*",
        metavar="<UserClass1 UserClass2>",
        default=os.environ.get("LOCUST_USER_CLASSES", "").split(),
        help="The user classes to run (--list shows them); the environment variable "
        "LOCUST_USER_CLASSES can name them as well. Default: all",
    )


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
