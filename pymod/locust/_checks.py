"""What is looked at between the command line and the test: options that do not go together, and
the limits of the system.

Each function ends the program, with the exit code that Locust has, or warns, or does nothing.
"""

from __future__ import annotations

import logging
import resource
import sys
from typing import Any

import _locust

from . import _thresholds
from ._missing import missing_part, missing_text
from ._output import without_password
from .contrib.fasthttp import FastHttpUser
from .user.users import HttpUser

COMMON_OPTIONS = {"num_users": "users", "spawn_rate": "spawn-rate", "run_time": "run-time"}
"""What a load shape decides: by attribute, the names of the options."""

MIN_OPEN_FILES = 10000

logger = logging.getLogger("locust.main")


def fail(message: str) -> None:
    """Ends the program, with a line on the standard error."""
    sys.stderr.write(message + "\n")
    sys.exit(1)


def check_automatic_end(options: Any) -> None:
    """--headful and --autoquit, before logging is set up."""
    if options.headful:
        options.headless = False
    if options.autoquit != -1 and not options.autostart:
        fail("--autoquit is only meaningful in combination with --autostart")


def check_processes(options: Any) -> None:
    """--processes, and what it excludes."""
    if options.processes is None:
        return
    if options.processes < -1:
        fail(f"Invalid --processes count {options.processes}")
    if options.processes > 0 and options.master:
        fail(
            "--master cannot be combined with --processes: leave it out, there is one unless "
            "--worker is given"
        )


def check_what_is_there(options: Any) -> None:
    """Refuses what would start something that is not there yet."""
    if options.master and options.worker:
        logger.error("The --master argument cannot be combined with --worker")
        sys.exit(-1)
    if (part := missing_part(options)) is not None:
        logger.error("%s", missing_text(part))
        sys.exit(2)
    if not options.headless:
        if options.web_base_path and options.web_base_path[0] != "/":
            logger.error(
                "Invalid format for --web-base-path argument (%s): the url path must start with a "
                "slash.",
                options.web_base_path,
            )
            sys.exit(1)
        logger.error("There is no web interface yet: run the test with --headless")
        sys.exit(2)
    if options.live and not (sys.stderr and sys.stderr.isatty()):
        logger.error("--live needs a terminal on the standard error")
        sys.exit(2)
    if options.autostart:
        logger.info("The --autostart argument is implied by --headless, no need to set both.")


def check_fixed_counts(environment: Any, options: Any) -> None:
    """Says if there are more users of a fixed count than users."""
    fixed = sum(cls.fixed_count for cls in environment.user_classes)
    if environment.shape_class is None and options.num_users and fixed > options.num_users:
        logger.info(
            "Total fixed_count of User classes (%d) is greater than the number of users asked for "
            "(%d): some will not be started.",
            fixed,
            options.num_users,
        )


def warn_of_options_without_effect(environment: Any, options: Any) -> None:
    """Says which options a load shape overrides."""
    shape = environment.shape_class
    if shape is None or shape.use_common_options:
        return
    given = {name for name in COMMON_OPTIONS if getattr(options, name, None)}
    ignored = [f"--{option}" for name, option in COMMON_OPTIONS.items() if name in given]
    if ignored:
        logger.warning(
            "--run-time, --users or --spawn-rate have no impact on a load shape, unless it reads "
            "them itself and says so with use_common_options = True."
        )
        logger.warning("The following option(s) will be ignored: %s", ", ".join(ignored))


def check_thresholds(environment: Any, options: Any) -> None:
    """Refuses thresholds of a locustfile that cannot be read, and warns if there are none to abort on."""
    if (problem := _thresholds.malformed(environment)) is not None:
        logger.error("environment.thresholds: %s", problem)
        sys.exit(2)
    if options.abort_on_threshold and not environment.thresholds:
        logger.warning("--abort-on-threshold has no effect: there is no --threshold")


def warn_of_hosts(environment: Any) -> None:
    """Says once if requests will fail because a host is no URL: -H localhost."""
    http = [cls for cls in environment.user_classes if issubclass(cls, (HttpUser, FastHttpUser))]
    hosts = [environment.host or cls.host for cls in http]
    for host in dict.fromkeys(hosts):
        if isinstance(host, str) and host and "://" not in host:
            logger.warning(
                "The host %s does not begin with http:// or https://: requests to it will fail. "
                "Did you mean http://%s ?",
                without_password(host),
                without_password(host),
            )


def raise_open_file_limit() -> None:
    """Allows as many open files as a test needs, or says that it cannot."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= MIN_OPEN_FILES:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (MIN_OPEN_FILES, hard))
    except (ValueError, OSError) as e:
        logger.warning(
            "System open file limit '%d' is below minimum setting '%d'.\n"
            "Each connection of a user needs one, so large tests will fail; raising it did: %s.\n"
            "Raise it with 'ulimit -n' or in the system's settings.",
            soft,
            MIN_OPEN_FILES,
            e,
        )


def set_stack_size(kilobytes: int | None) -> None:
    """--stack-size."""
    if kilobytes is None:
        return
    try:
        _locust.set_stack_size(kilobytes)
    except (RuntimeError, ValueError) as e:
        logger.error("--stack-size: %s", e)
        sys.exit(1)
