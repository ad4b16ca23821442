"""Makes tests begin and end again and again, and shows that nothing of them stays.

As a program it prints one line of JSON: python3 tests/py/cycles.py [--cycles 1000] [--users 100]
[--warm-up 100] [--fresh] [--http URL]. rss_kb are the resident KB after each tenth of the measured
cycles, objects the Python objects after the warm-up and at the end. The process ends with 1 if
memory has grown by more than --allow-kb, or if objects have been added.
"""

import argparse
import collections
import gc
import json
import os
import sys
import time

from locust import HttpUser, TaskSet, User, constant, task
from locust.env import Environment


def resident_kb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


class Nested(TaskSet):
    @task
    def leave(self):
        self.interrupt()


class Plain(User):
    wait_time = constant(0.001)
    tasks = {Nested: 1}

    def on_start(self):
        self.data = {"user": self}

    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=1, response_length=1, exception=None, context=self.context()
        )

    @task
    def fail(self):
        raise ValueError("on purpose")


class Web(HttpUser):
    wait_time = constant(0.001)

    @task
    def get(self):
        self.client.get("/")


def make_environment(options):
    user_class = Web if options.http else Plain
    return Environment(user_classes=[user_class], host=options.http)


def cycle(env, options):
    """One test: all users start, work a little, and are stopped."""
    runner = env.runner
    runner.start(options.users, options.users)
    runner.spawning_greenlet.join()
    time.sleep(0.005)
    runner.stop()
    if runner.user_count or runner.state != "stopped":
        raise RuntimeError(f"{runner.user_count} users are left, state {runner.state}")


def run(options):
    """Yields after each cycle."""
    env = None
    for _ in range(options.cycles + options.warm_up):
        if env is None or options.fresh:
            env = make_environment(options)
            env.create_local_runner()
        cycle(env, options)
        if options.fresh:
            env.runner.quit()
        yield
    env.runner.quit()


def census():
    gc.collect()
    return collections.Counter(type(o).__name__ for o in gc.get_objects())


def measure(options):
    rss, before = [], None
    for number, _ in enumerate(run(options), 1):
        measured = number - options.warm_up
        if measured == 0:
            before = census()
            rss.append(resident_kb())
        elif measured > 0 and measured % max(1, options.cycles // 10) == 0:
            gc.collect()
            rss.append(resident_kb())
    return rss, before, census()


def main():
    parser = argparse.ArgumentParser(description="start and stop tests, and watch the memory")
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--allow-kb", type=int, default=512)
    parser.add_argument("--fresh", action="store_true", help="a new environment for each")
    parser.add_argument("--http", metavar="URL", help="HttpUsers that ask this server")
    options = parser.parse_args()
    import logging

    logging.disable(logging.CRITICAL)
    rss, before, after = measure(options)
    more = {name: n - before[name] for name, n in after.items() if n > before[name]}
    grown = rss[-1] - rss[0]
    print(json.dumps({"rss_kb": rss, "grown_kb": grown, "objects": [before.total(), after.total()], "more": more}))
    return int(grown > options.allow_kb or after.total() > before.total() + 50)


if __name__ == "__main__":
    sys.exit(main())
