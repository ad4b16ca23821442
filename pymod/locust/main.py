"""What the program does, from the command line to the exit code."""

from __future__ import annotations

import functools
import inspect
import itertools
import logging
import os
import resource
import signal
import sys

import _locust
import locust

from . import log
from ._missing import refuse_gevent
from ._version import version
from ._results import leave_results, open_csv_files, write_html_report
from .argument_parser import get_locustfiles_locally, parse_locustfile_option, parse_options
from .env import Environment
from .html import get_html_report  # noqa: F401
from .input_events import input_listener
from .log import greenlet_exception_logger, setup_logging
from .opentelemetry import setup_opentelemetry
from .runners import STATE_SPAWNING
from .stats import stats_history, stats_printer, validate_stats_configuration
from .user.inspectuser import print_task_ratio, print_task_ratio_json
from .util.load_locustfile import load_locustfile, load_locustfile_pytest

COMMON_OPTIONS = {"num_users": "users", "spawn_rate": "spawn-rate", "run_time": "run-time"}
"""What a load shape decides: by attribute, the names of the options."""

MIN_OPEN_FILES = 10000
LAG_CHECK_INTERVAL_SEC = 5

logger = logging.getLogger(__name__)
greenlet_exception_handler = greenlet_exception_logger(logger)


# --- Locustfiles and user classes.


def _fail(message: str):
    sys.stderr.write(message + "\n")
    sys.exit(1)


def _defined_in(cls: type) -> str:
    return inspect.getsourcefile(cls) or inspect.getfile(cls)


def _load_locustfiles(paths: list[str]) -> list[tuple[dict, list]]:
    """User classes and load shapes of each file; without any class, the test functions of pytest files."""
    found = [load_locustfile(path) for path in paths]
    if any(users for users, _shapes in found):
        return found
    try:
        return found + [(load_locustfile_pytest(path), []) for path in paths]
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        sys.stderr.write(f"{error}\n")
        return found


def merge_locustfiles_content(locustfiles: list[str]):
    """Imports the files: user classes, load shapes, tasks (by class name), and the first shape."""
    user_classes: dict = {}
    shape_classes: dict = {}
    tasks: dict = {}
    first_shape = None
    for users, shapes in _load_locustfiles(locustfiles):
        for shape in shapes:
            name = type(shape).__name__
            if name in shape_classes:
                _fail(f"Duplicate shape classes: {name}")
            shape_classes[name] = shape
            first_shape = first_shape or shape
        for name, cls in users.items():
            if name in user_classes:
                files = _defined_in(user_classes[name]), _defined_in(cls)
                if files[0] != files[1]:
                    both = " and ".join(files)
                    _fail(f"Duplicate user class names: {name} is defined in both {both}")
                continue  # one file has imported it from the other
            user_classes[name] = cls
            tasks[name] = cls.tasks or []
    return user_classes, shape_classes, tasks, first_shape


def create_environment(
    user_classes,
    options,
    events=None,
    shape_class=None,
    locustfile=None,
    parsed_locustfiles=None,
    available_user_classes=None,
    available_shape_classes=None,
    available_user_tasks=None,
) -> Environment:
    """An Environment as the command line's options want it."""
    return Environment(
        locustfile=locustfile,
        user_classes=user_classes,
        shape_class=shape_class,
        events=events,
        host=options.host,
        reset_stats=options.reset_stats,
        parsed_options=options,
        parsed_locustfiles=parsed_locustfiles,
        available_user_classes=available_user_classes,
        available_shape_classes=available_shape_classes,
        available_user_tasks=available_user_tasks,
        profile=getattr(options, "profile", None),
    )


def _select_user_classes(user_classes: dict, wanted: list[str]) -> list[type]:
    if not user_classes:
        logger.error("No User class found!")
        sys.exit(1)
    unknown = sorted(set(wanted) - set(user_classes))
    if unknown:
        logger.error("Unknown User(s): %s\n", ", ".join(unknown))
        sys.exit(1)
    return [cls for name, cls in user_classes.items() if not wanted or name in wanted]


def _check_fixed_counts(environment: Environment, options) -> None:
    fixed = sum(cls.fixed_count for cls in environment.user_classes)
    if environment.shape_class is None and options.num_users and fixed > options.num_users:
        logger.info(
            "Total fixed_count of User classes (%d) is greater than the number of users asked for "
            "(%d): some will not be started.",
            fixed,
            options.num_users,
        )


def _configure_users(environment: Environment, options) -> None:
    try:
        for config in itertools.chain.from_iterable(options.config_users or ()):
            environment.update_user_class(config)
    except KeyError as e:
        logger.error("Error applying user config: there is no user class %s in the locustfiles", e)
        sys.exit(-1)
    except Exception as e:
        logger.exception("Error applying user config: %s", e)
        sys.exit(-1)


def _print_task_ratio(user_classes: list, options) -> None:
    """What --show-task-ratio and --show-task-ratio-json ask for."""
    if options.show_task_ratio:
        for title, total in (("Task ratio per User class", False), ("Total task ratio", True)):
            print(f"\n {title}\n{'-' * 80}")
            print_task_ratio(user_classes, options.num_users, total)
    else:
        print_task_ratio_json(user_classes, options.num_users)


def _warn_of_options_without_effect(environment: Environment, options) -> None:
    shape = environment.shape_class
    if shape is None or shape.use_common_options:
        return
    ignored = [f"--{option}" for name, option in COMMON_OPTIONS.items() if getattr(options, name, None)]
    if ignored:
        logger.warning(
            "--run-time, --users or --spawn-rate have no impact on a load shape, unless it reads them itself and says "
            "so with use_common_options = True."
        )
        logger.warning("The following option(s) will be ignored: %s", ", ".join(ignored))


def _raise_open_file_limit() -> None:
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


def _set_stack_size(kilobytes: int | None) -> None:
    if kilobytes is None:
        return
    try:
        _locust.set_stack_size(kilobytes)
    except (RuntimeError, ValueError) as e:
        logger.error("--stack-size: %s", e)
        sys.exit(1)


# --- A test without a web interface.


def _spawn(function) -> _locust.Greenlet:
    green = _locust.Greenlet.spawn(function)
    green.link_exception(greenlet_exception_handler)
    return green


def _start_run_time_limit(environment: Environment, run_time: int) -> _locust.Greenlet:
    def stop():
        logger.info("--run-time limit reached, shutting down")
        environment.runner.quit()

    logger.info("Run time limit set to %s seconds", run_time)
    green = _locust.Greenlet.spawn_later(run_time, stop)
    green.link_exception(greenlet_exception_handler)
    return green


def _start_test(environment: Environment, options) -> list:
    """Begins what --headless promises; returns the green thread that will end it, if any."""
    environment.runner.start(options.num_users, options.spawn_rate)
    if options.run_time:
        return [_start_run_time_limit(environment, options.run_time)]
    logger.info("No run time limit set, use CTRL+C to interrupt")
    return []


def _run_shape(environment: Environment) -> None:
    try:
        environment.runner.start_shape()
        environment.runner.shape_greenlet.join()
    except KeyboardInterrupt:
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:  # it has not been that one
            logging.info("Exiting due to CTRL+C interruption")
    finally:
        logger.info("Shape test completed, shutting down")
        environment.runner.quit()


def _start_keyboard(environment: Environment) -> _locust.Greenlet:
    runner = environment.runner

    def change(difference: int):
        if runner.state == STATE_SPAWNING:
            logger.warning("Users are being spawned: wait for the end before changing their number")
        else:
            runner.start(max(0, runner.user_count + difference), 100)

    keys = {"w": 1, "W": 10, "s": -1, "S": -10}
    return _spawn(input_listener({key: lambda n=n: change(n) for key, n in keys.items()}))


def _on_sigterm(signum, frame) -> None:
    logger.info("Got SIGTERM signal")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _locust.interrupt(signum, frame)


def _exit_code(environment: Environment, options) -> int:
    if environment.process_exit_code is not None:
        return environment.process_exit_code
    if environment.runner.errors or environment.runner.exceptions:
        return options.exit_code_on_error
    return 2 if log.unhandled_greenlet_exception else 0


def _watch_lag() -> None:
    """Warns once if the generator itself has become slow; response times do not contain it."""
    while not _locust.lag_is_notable():
        _locust.sleep(LAG_CHECK_INTERVAL_SEC)
    logger.warning(
        "Requests wait more than a millisecond for the users' Python code: response times stay true, but fewer "
        "requests are made than users ask for. Run more processes, or do less per task."
    )


def _shut_down(environment: Environment, options, background: list, limit: list) -> int:
    """Ends the test in good order, and says with which exit code to end the process."""
    logger.debug("Running teardowns...")
    environment.events.quitting.fire(environment=environment, reverse=True)
    code = _exit_code(environment, options)
    logger.info("Shutting down (exit code %s)", code)
    # Users that never wait get no chance to run between here and their end.
    for green in background:
        green.kill(block=False)
    logger.debug("Cleaning up runner...")
    environment.runner.quit()  # if the time limit is at it already, this waits for it
    for green in limit:
        green.kill(block=False)
    for green in background + limit:
        green.join()
    return code


def _run(environment: Environment, options, csv_files) -> int:
    background, limit = [_spawn(_watch_lag)], []
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        if csv_files is not None:
            background.append(_spawn(csv_files))
        if not options.only_summary:
            background.append(_spawn(stats_printer(environment.stats)))
        if options.num_users is None:
            options.num_users = 1
        if options.spawn_rate is None:
            options.spawn_rate = 1
        history = functools.partial(stats_history, environment.runner)
        if environment.shape_class is not None:
            background.append(_spawn(history))
            _run_shape(environment)
        else:
            limit = _start_test(environment, options)
            background.append(_spawn(history))
            background.append(_start_keyboard(environment))
            environment.runner.greenlet.join()
    except KeyboardInterrupt:
        logger.debug("Interrupted")
        environment.runner._hurry_stop()
    # Listeners of quitting find it there; it is written again if more requests come to an end.
    reported = write_html_report(environment, options)
    try:
        code = _shut_down(environment, options, background, limit)
    except KeyboardInterrupt:  # enough: but what was measured is not to be lost
        leave_results(environment, options, csv_files, reported)
        raise
    leave_results(environment, options, csv_files, reported)
    environment.events.quit.fire(exit_code=code)
    return code


# --- From the command line.


def _import_plugins() -> None:
    try:
        import locust_plugins  # noqa: F401
    except ModuleNotFoundError as e:
        if e.name != "locust_plugins":
            raise


def _fire_init(environment: Environment) -> None:
    environment.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)
    # One of init_command_line_parser counts as well.
    if log.unhandled_greenlet_exception:
        sys.exit(1)


def main() -> int:
    """Runs the program. Returns its exit code, or leaves by SystemExit."""
    signal.signal(signal.SIGINT, _locust.interrupt)
    refuse_gevent()
    _import_plugins()
    locustfiles = get_locustfiles_locally(parse_locustfile_option())
    user_classes, shape_classes, tasks, shape = merge_locustfiles_content(locustfiles)
    options = parse_options()
    validate_stats_configuration()
    if not options.skip_log_setup:
        setup_logging(options.loglevel, options.logfile)
    exporting = options.otel and setup_opentelemetry(options.locustfile, options.profile)
    logger.info("Starting Locust %s%s", version, ", OpenTelemetry enabled" if exporting else "")
    if options.list_commands:
        print("Available Users:")
        for name in user_classes:
            print("    " + name)
        return 0
    selected = _select_user_classes(user_classes, options.user_classes)
    shows_ratio = options.show_task_ratio or options.show_task_ratio_json
    if not options.headless and not shows_ratio:
        logger.error("There is no web interface yet: run the test with --headless")
        return 1
    _raise_open_file_limit()
    _set_stack_size(options.stack_size)
    _locust.set_io_threads(options.io_threads)
    environment = create_environment(
        selected,
        options,
        events=locust.events,
        shape_class=shape,
        locustfile=os.path.basename(locustfiles[0]),
        parsed_locustfiles=locustfiles,
        available_user_classes=user_classes,
        available_shape_classes=shape_classes,
        available_user_tasks=tasks,
    )
    _check_fixed_counts(environment, options)
    _configure_users(environment, options)
    _warn_of_options_without_effect(environment, options)
    if shows_ratio:
        _print_task_ratio(environment.user_classes, options)
        return 0
    if options.equal_weights:
        environment.events.init.add_listener(lambda environment, **kwargs: environment.assign_equal_weights())
    csv_files = open_csv_files(environment, options)
    environment.events.test_start.add_listener(lambda **kwargs: _locust.lag_clear())
    environment.create_local_runner().spread_spawning = True
    _fire_init(environment)
    return _run(environment, options, csv_files)
