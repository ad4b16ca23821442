"""What the program does, from the command line to the exit code."""

from __future__ import annotations

import atexit
import functools
import inspect
import itertools
import logging
import os
import signal
import sys

import _locust
import locust

from . import _checks, _thresholds, log
from ._checks import COMMON_OPTIONS  # noqa: F401
from ._live import LiveView, end_by_key
from ._output import asked_for
from ._results import check_reports, leave_results, open_csv_files, write_html_report
from ._version import version
from .argument_parser import get_locustfiles_locally, parse_locustfile_option, parse_options
from .env import Environment
from .exception import StopTest
from .html import get_html_report  # noqa: F401
from .input_events import input_listener
from .log import greenlet_exception_logger, setup_logging
from .opentelemetry import setup_opentelemetry
from .runners import STATE_SPAWNING
from .stats import stats_history, stats_printer, validate_stats_configuration
from .user.inspectuser import print_task_ratio, print_task_ratio_json
from .util.load_locustfile import load_locustfile, load_locustfile_pytest

LAG_CHECK_INTERVAL_SEC = 5
SLOW_END_SEC = 1  # after which it is said what the end of the test waits for

logger = logging.getLogger(__name__)
greenlet_exception_handler = greenlet_exception_logger(logger)


# --- Locustfiles and user classes.


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
                if _defined_in(type(shape_classes[name])) != _defined_in(type(shape)):
                    _checks.fail(f"Duplicate shape classes: {name}")
                continue  # one file has imported it from the other
            shape_classes[name] = shape
            first_shape = first_shape or shape
        for name, cls in users.items():
            if name in user_classes:
                files = _defined_in(user_classes[name]), _defined_in(cls)
                if files[0] != files[1]:
                    both = " and ".join(files)
                    _checks.fail(f"Duplicate user class names: {name} is defined in both {both}")
                continue  # one file has imported it from the other
            user_classes[name] = cls
            tasks[name] = cls.tasks or []
    return user_classes, shape_classes, tasks, first_shape


def _is_ours(frame) -> bool:
    filename = frame.f_code.co_filename
    return filename.startswith((os.path.dirname(__file__) + os.sep, "<frozen importlib"))


def _show_error_of_locustfile(error: Exception) -> None:
    """Shows an exception from where the locustfile begins, and ends the program; returns if it is one of ours."""
    tb = error.__traceback__
    while tb is not None and _is_ours(tb.tb_frame):
        tb = tb.tb_next
    if tb is not None or isinstance(error, SyntaxError):
        sys.excepthook(type(error), error.with_traceback(tb), tb)
        sys.exit(1)


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
    unknown = [name for name in dict.fromkeys(wanted) if name not in user_classes]
    if unknown:
        logger.error("Unknown User(s): %s\n", ", ".join(unknown))
        sys.exit(1)
    return [cls for name, cls in user_classes.items() if not wanted or name in wanted]


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


# --- A test without a web interface.


def _spawn(function) -> _locust.Greenlet:
    green = _locust.Greenlet.spawn(function)
    green.link_exception(greenlet_exception_handler)
    return green


def _say_who_is_waited_for(environment: Environment, advice: str) -> None:
    _locust.sleep(SLOW_END_SEC)
    users = environment.runner.user_count
    if users:
        logger.info(
            "Waiting up to %g s for %d user%s to finish their tasks%s",
            environment.stop_timeout, users, "" if users == 1 else "s", advice,
        )  # fmt: skip


def _quit_runner(environment: Environment, advice: str = "") -> None:
    """Ends the test. An exception of a listener (StopTest) may cut that short, but nobody is left over.

    advice: what is said as well if users with a stop timeout are waited for.
    """
    runner = environment.runner
    teller = None
    if environment.stop_timeout and environment.stop_timeout > SLOW_END_SEC:
        teller = _spawn(functools.partial(_say_who_is_waited_for, environment, advice))
    try:
        runner.quit()
        return
    except StopTest as error:
        logger.error(error)
    except Exception:
        log.unhandled_greenlet_exception = True
        logger.critical("The end of the test was cut short by an exception", exc_info=True)
    finally:
        if teller is not None:
            teller.kill(block=False)
    runner.user_greenlets.kill()
    runner.greenlet.kill()


def _start_run_time_limit(environment: Environment, run_time: int) -> _locust.Greenlet:
    def stop():
        logger.info("--run-time limit reached, shutting down")
        _quit_runner(environment)

    logger.info("Run time limit set to %s seconds", run_time)
    green = _locust.Greenlet.spawn_later(run_time, stop)
    green.link_exception(greenlet_exception_handler)
    return green


def _start_test(environment: Environment, options) -> list:
    """Begins what --headless promises; returns the green thread that will end it, if there is a time limit."""
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
        _quit_runner(environment)


def _start_keyboard(environment: Environment, live: LiveView | None) -> _locust.Greenlet:
    runner = environment.runner

    def change(difference: int):
        if runner.state == STATE_SPAWNING:
            logger.warning("Users are being spawned: wait for the end before changing their number")
        else:
            runner.start(max(0, runner.user_count + difference), 100)

    differences = {"w": 1, "W": 10, "s": -1, "S": -10}
    if environment.shape_class is not None:  # it alone decides
        differences = {}
    keys = {key: lambda n=n: change(n) for key, n in differences.items()}
    if live is not None:
        keys["q"] = end_by_key
    return _spawn(input_listener(keys))


def _on_sigterm(signum, frame) -> None:
    _locust.live_close()  # before anything is said, and before a second one kills
    logger.info("Got SIGTERM signal")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _locust.interrupt(signum, frame)


def _exit_code(environment: Environment, options) -> int:
    if environment.process_exit_code is not None:
        return environment.process_exit_code
    if not _thresholds.are_kept(environment):
        return options.threshold_exit_code
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


def _final_code(environment: Environment, options, code: int) -> int:
    """The exit code, now that users have finished their last requests: those count as well."""
    if not environment.thresholds:
        return code
    final = _exit_code(environment, options)
    if final != code:
        logger.info("The last requests have changed the exit code to %s", final)
    return final


def _shut_down(environment: Environment, options, background: list, limit: list, interrupted: bool) -> int:
    """Ends the test in good order, and says with which exit code to end the process."""
    logger.debug("Running teardowns...")
    environment.events.quitting.fire(environment=environment, reverse=True)
    code = _exit_code(environment, options)
    logger.info("Shutting down (exit code %s)", code)
    # Users that never wait get no chance to run between here and their end.
    for green in background:
        green.kill(block=False)
    logger.debug("Cleaning up runner...")
    advice = "; Ctrl-C again ends at once" if interrupted else ""
    _quit_runner(environment, advice)  # if the time limit is at it already, this waits for it
    for green in limit:
        green.kill(block=False)
    for green in background + limit:
        green.join()
    return _final_code(environment, options, code)


def _start_background(environment: Environment, options, csv_files, live: LiveView | None) -> list:
    """What goes on beside the users, but for the history and the keyboard."""
    jobs = [_watch_lag]
    if csv_files is not None:
        jobs.append(csv_files)
    if live is not None:
        live.open()
        atexit.register(live.close)
        jobs.append(live.run)
    elif not options.only_summary:
        jobs.append(stats_printer(environment.stats))
    return [_spawn(job) for job in jobs]


def _run(environment: Environment, options, csv_files) -> int:
    background, limit = [], []
    interrupted = False
    live = LiveView(environment, options) if options.live else None
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        background += _start_background(environment, options, csv_files, live)
        if options.abort_on_threshold:
            end = functools.partial(_quit_runner, environment)
            limit.append(_spawn(functools.partial(_thresholds.abort_when_exceeded, environment, end)))
        if options.num_users is None:
            options.num_users = 1
        if options.spawn_rate is None:
            options.spawn_rate = 1
        history = functools.partial(stats_history, environment.runner)
        if environment.shape_class is not None:
            background.append(_spawn(history))
            if live is not None:
                background.append(_start_keyboard(environment, live))
            _run_shape(environment)
        else:
            limit += _start_test(environment, options)
            background.append(_spawn(history))
            background.append(_start_keyboard(environment, live))
            environment.runner.greenlet.join()
    except KeyboardInterrupt:
        interrupted = signal.getsignal(signal.SIGTERM) is _on_sigterm  # it has not been that one
        logger.debug("Interrupted")
        environment.runner._hurry_stop()
    if live is not None:
        live.close()
    # Listeners of quitting find it there; it is written again if more requests come to an end.
    reported = write_html_report(environment, options)
    try:
        code = _shut_down(environment, options, background, limit, interrupted)
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
    _import_plugins()
    locustfiles = get_locustfiles_locally(parse_locustfile_option())
    try:
        user_classes, shape_classes, tasks, shape = merge_locustfiles_content(locustfiles)
    except Exception as error:
        _show_error_of_locustfile(error)
        raise
    options = parse_options()
    validate_stats_configuration()
    _checks.check_automatic_end(options)
    if not options.skip_log_setup:
        setup_logging(options.loglevel, options.logfile)
    exporting = options.otel and setup_opentelemetry(options.locustfile, options.profile)
    logger.info("Starting Locust %s%s", version, ", OpenTelemetry enabled" if exporting else "")
    _checks.check_processes(options)
    if options.list_commands:
        with asked_for():
            print("\n    ".join(["Available Users:", *user_classes]))
        return 0
    selected = _select_user_classes(user_classes, options.user_classes)
    _checks.raise_open_file_limit()
    _checks.set_stack_size(options.stack_size)
    _locust.set_io_threads(options.io_threads)
    _locust.set_source_addresses(options.source_address or ())
    _locust.set_resolve(options.resolve or ())
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
    _checks.check_fixed_counts(environment, options)
    _configure_users(environment, options)
    _checks.warn_of_options_without_effect(environment, options)
    if options.show_task_ratio or options.show_task_ratio_json:
        with asked_for():
            _print_task_ratio(environment.user_classes, options)
        return 0
    _checks.check_what_is_there(options)
    if options.equal_weights:
        environment.events.init.add_listener(lambda environment, **kwargs: environment.assign_equal_weights())
    check_reports(options)
    csv_files = open_csv_files(environment, options)
    environment.events.test_start.add_listener(lambda **kwargs: _locust.lag_clear())
    environment.create_local_runner().spread_spawning = True
    _fire_init(environment)
    _checks.check_thresholds(environment, options)
    _checks.warn_of_hosts(environment)
    return _run(environment, options, csv_files)
