"""Locust's own options, group by group, in the order in which --help shows them.

What is hidden from --help has help=SUPPRESS. include_in_web_ui says which options the form of the
web interface shows among those that locustfiles add; it has fields of its own for these.
"""

from __future__ import annotations

import argparse
import os

from . import _thresholds
from ._option_types import (
    exit_status,
    gt_zero,
    io_threads,
    json_user_config,
    positive_integer,
    raise_argument_type_error,
    resolve_entry,
    source_address,
    timespan,
)

HIDDEN = argparse.SUPPRESS

BEYOND_LOCUST = (
    "--abort-on-threshold",
    "--http-version",
    "--init",
    "--io-threads",
    "--junit-xml",
    "--live",
    "--resolve",
    "--source-address",
    "--stack-size",
    "--threshold",
    "--threshold-exit-code",
)
"""Options that Locust does not have: abbreviations that it understands must not become ambiguous by them."""


def add_options(parser, version_text: str) -> None:
    """Adds all of them to a parser that has --help, --locustfile and --config."""
    _add_common_options(parser)
    _add_web_options(parser)
    _add_master_options(parser)
    _add_worker_options(parser)
    _add_tag_options(parser)
    _add_stats_options(parser)
    _add_logging_options(parser)
    _add_other_options(parser, version_text)
    group = parser.add_argument_group("User classes")
    group.add_argument(
        "user_classes",
        nargs="*",
        metavar="<UserClass1 UserClass2>",
        default=os.environ.get("LOCUST_USER_CLASSES", "").split(),
        help="The user classes to run (--list shows them); the environment variable "
        "LOCUST_USER_CLASSES can name them as well. Default: all",
    )
    for name in BEYOND_LOCUST:
        parser._option_string_actions[name].is_beyond_locust = True


def _add_common_options(parser) -> None:
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
        include_in_web_ui=False,
        env_var="LOCUST_CONFIG_USERS",
        help='Attributes of user classes, as JSON: {"user_class_name": "A", "weight": 3, "tasks": '
        '["buy"]}, or a list of such; or .json files with them. tasks names those that it keeps',
    )


def _add_web_options(parser) -> None:
    group = parser.add_argument_group("Web UI options")
    group.add_argument(
        "--web-host",
        default="",
        metavar="<ip>",
        env_var="LOCUST_WEB_HOST",
        help="Address at which the web interface listens. Default: *, all of them",
    )
    group.add_argument(
        "--web-host-display-name",
        default=None,
        env_var="LOCUST_WEB_HOST_DISPLAY_NAME",
        help=HIDDEN,
    )
    group.add_argument(
        "--web-port",
        "-P",
        type=int,
        metavar="<port number>",
        default=8089,
        env_var="LOCUST_WEB_PORT",
        help="Port at which the web interface listens. Default: 8089",
    )
    group.add_argument(
        "--headless",
        action="store_true",
        env_var="LOCUST_HEADLESS",
        help="Start the test at once, without a web interface",
    )
    group.add_argument(
        "--autostart",
        action="store_true",
        env_var="LOCUST_AUTOSTART",
        help="Start the test at once, with a web interface",
    )
    group.add_argument(
        "--autoquit",
        type=int,
        metavar="<seconds>",
        default=-1,
        env_var="LOCUST_AUTOQUIT",
        help="End the program so many seconds after the run time; only with --autostart. "
        "Default: go on with the web interface",
    )
    group.add_argument(
        "--headful",
        action="store_true",
        env_var="LOCUST_HEADFUL",
        help=HIDDEN,
    )
    group.add_argument(
        "--web-auth",
        metavar="<username:password>",
        action=raise_argument_type_error("replaced by --web-login"),
        env_var="LOCUST_WEB_AUTH",
        help=HIDDEN,
    )
    group.add_argument(
        "--web-login",
        action="store_true",
        env_var="LOCUST_WEB_LOGIN",
        help="Have users of the web interface log in, as the locustfile says",
    )
    group.add_argument(
        "--tls-cert",
        default="",
        metavar="<filename>",
        env_var="LOCUST_TLS_CERT",
        help="Certificate for a web interface by https; needs --tls-key",
    )
    group.add_argument(
        "--tls-key",
        default="",
        metavar="<filename>",
        env_var="LOCUST_TLS_KEY",
        help="Private key of that certificate",
    )
    group.add_argument(
        "--class-picker",
        action="store_true",
        env_var="LOCUST_USERCLASS_PICKER",
        help="Let users of the web interface choose the user classes and the load shape",
    )
    group.add_argument(
        "--build-path",
        default="",
        env_var="LOCUST_BUILD_PATH",
        help=HIDDEN,
    )
    group.add_argument(
        "--legacy-ui",
        default=False,
        nargs=0,
        action=raise_argument_type_error("--legacy-ui is no longer supported: leave it out"),
        env_var="LOCUST_LEGACY_UI",
        help=HIDDEN,
    )
    group.add_argument(
        "--web-base-path",
        default="",
        env_var="LOCUST_WEB_BASE_PATH",
        help="What the paths of the web interface begin with, such as /locust",
    )


def _add_master_options(parser) -> None:
    group = parser.add_argument_group(
        "Master options",
        "For a process that has others, the workers, run the users. They connect to it.",
    )
    group.add_argument(
        "--master",
        action="store_true",
        env_var="LOCUST_MODE_MASTER",
        help="Have workers run the users",
    )
    group.add_argument(
        "--master-bind-host",
        default="*",
        metavar="<ip>",
        env_var="LOCUST_MASTER_BIND_HOST",
        help="Address at which the master listens. Default: *, all of them",
    )
    group.add_argument(
        "--master-bind-port",
        type=int,
        metavar="<port number>",
        default=5557,
        env_var="LOCUST_MASTER_BIND_PORT",
        help="Port at which the master listens. Default: 5557",
    )
    group.add_argument(
        "--expect-workers",
        type=positive_integer,
        metavar="<int>",
        default=1,
        env_var="LOCUST_EXPECT_WORKERS",
        help="Start only when there are so many workers (with --headless or --autostart). "
        "Default: 1",
    )
    group.add_argument(
        "--expect-workers-max-wait",
        type=int,
        metavar="<int>",
        default=0,
        env_var="LOCUST_EXPECT_WORKERS_MAX_WAIT",
        help="Seconds after which to give up waiting for them. Default: never",
    )
    group.add_argument(
        "--enable-rebalancing",
        action="store_true",
        help="Share the users out anew whenever workers come or go during a test",
    )


def _add_worker_options(parser) -> None:
    group = parser.add_argument_group(
        "Worker options",
        "For a process that runs users for a master. Beside these and --locustfile it needs no\n"
        "options: the master has them.",
    )
    group.add_argument(
        "--worker",
        action="store_true",
        env_var="LOCUST_MODE_WORKER",
        help="Run users for a master",
    )
    group.add_argument(
        "--processes",
        type=int,
        metavar="<int>",
        env_var="LOCUST_PROCESSES",
        help="Start so many worker processes, and a master for them unless --worker is given; -1: "
        "one for each CPU",
    )
    group.add_argument(
        "--master-host",
        default="127.0.0.1",
        metavar="<hostname>",
        env_var="LOCUST_MASTER_NODE_HOST",
        help="Where the master is. Default: 127.0.0.1",
    )
    group.add_argument(
        "--master-port",
        type=int,
        metavar="<port number>",
        default=5557,
        env_var="LOCUST_MASTER_NODE_PORT",
        help="The port at which it listens. Default: 5557",
    )


def _add_tag_options(parser) -> None:
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


def _add_stats_options(parser) -> None:
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
        "--html",
        dest="html_file",
        metavar="<filename>",
        env_var="LOCUST_HTML",
        help="Write an HTML report to this file at the end of the test. {u}, {r} and {t} in its "
        "name stand for the number of users, the spawn rate and the run time",
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
    group.add_argument(
        "--junit-xml",
        metavar="<filename>",
        env_var="LOCUST_JUNIT_XML",
        help="Write what passed and what failed to this file, as CI servers read it",
    )
    group.add_argument(
        "--threshold",
        action="extend",
        nargs="+",
        type=_thresholds.threshold,
        dest="thresholds",
        metavar="<condition>",
        env_var="LOCUST_THRESHOLD",
        help="What must hold for the test to pass, e.g. 'p95<200' (milliseconds), "
        "'fail_ratio<1%%', 'rps>=50', or of one request 'GET /login:p99<0.5s'",
    )
    group.add_argument(
        "--abort-on-threshold",
        action="store_true",
        env_var="LOCUST_ABORT_ON_THRESHOLD",
        help="End the test as soon as a threshold is exceeded",
    )
    group.add_argument(
        "--threshold-exit-code",
        type=exit_status,
        metavar="<int>",
        default=3,
        env_var="LOCUST_THRESHOLD_EXIT_CODE",
        help="Exit code if a threshold was not kept. Default: 3",
    )
    group.add_argument(
        "--live",
        action="store_true",
        env_var="LOCUST_LIVE",
        help="Show the test on the whole terminal while it runs: rates, response times and users; "
        "w and s start and stop users",
    )


def _add_logging_options(parser) -> None:
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


def _add_other_options(parser, version_text: str) -> None:
    group = parser.add_argument_group("Other options")
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
        "--version",
        "-V",
        action="version",
        version=version_text,
        help="Print the version and exit",
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
        help="Seconds, or a time such as 1m30s, that users get to finish their tasks when the test "
        "stops. Default: 0, end them at once",
    )
    group.add_argument(
        "--equal-weights",
        action="store_true",
        help="Run all user classes, and in each all tasks, equally often",
    )
    group.add_argument(
        "--profile",
        help="A name for the kind of test this is, for reports",
    )
    group.add_argument(
        "--otel",
        action="store_true",
        env_var="LOCUST_ENABLE_OPENTELEMETRY",
        help="Export traces, metrics and logs with OpenTelemetry",
    )
    group.add_argument(
        "--init",
        action="store_true",
        help="Write a locustfile.py to begin with, and exit; one that is there is left alone",
    )
    group.add_argument(
        "--io-threads",
        type=io_threads,
        metavar="<int>",
        default=1,
        env_var="LOCUST_IO_THREADS",
        help="Threads that carry HTTP requests. Default: 1",
    )
    group.add_argument(
        "--source-address",
        action="extend",
        type=source_address,
        metavar="<ip>",
        nargs="+",
        env_var="LOCUST_SOURCE_ADDRESS",
        help="Local addresses that connections come from; users take them in turns, so that the "
        "ports of one are no limit",
    )
    group.add_argument(
        "--http-version",
        choices=("1.0", "1.1", "2"),
        env_var="LOCUST_HTTP_VERSION",
        help="The version of HTTP that users speak: 1.0, 1.1 (the default) or 2, over https only "
        "if the server agrees",
    )
    group.add_argument(
        "--resolve",
        action="extend",
        type=resolve_entry,
        metavar="<host:port:address>",
        nargs="+",
        env_var="LOCUST_RESOLVE",
        help="Addresses of hosts, instead of looking their names up",
    )
    group.add_argument(
        "--stack-size",
        type=positive_integer,
        metavar="<KB>",
        env_var="LOCUST_STACK_SIZE",
        help="Address space that is reserved for each user's stack; only what is touched uses "
        "memory",
    )
