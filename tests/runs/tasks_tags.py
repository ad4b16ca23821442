"""--tags and --exclude-tags."""

# run none: -u 2 -r 100
# run one: -u 2 -r 100 -T fast
# run several: -u 2 -r 100 -T fast slow
# run excluded: -u 2 -r 100 -E slow
# run both: -u 2 -r 100 -T fast -E rare
# run nested_only: -u 2 -r 100 -T inner
# run nothing_left: -u 2 -r 100 -T no_such_tag
# run empty: -u 2 -r 100 -T

from traced import quit_when, trace, trace_logs

from locust import SequentialTaskSet, TaskSet, User, constant, events, tag, task

trace_logs()
quit_when(lambda runner: runner.state == "running")


class Shopper(User):
    wait_time = constant(100)

    @task(2)
    @tag("fast")
    def a(self):
        """fast"""

    @tag("slow", "rare")
    @task
    def b(self):
        """slow and rare"""

    @task
    def untagged(self):
        """Has no tag."""

    @tag("fast", "rare")
    @task
    class Set(TaskSet):
        @task
        def c(self):
            """fast and rare, by its class"""

        @tag("inner")
        @task(2)
        def d(self):
            """And inner."""

    @task
    class Steps(SequentialTaskSet):
        @task
        def e(self):
            """Has no tag."""

        @tag("slow")
        @task
        def f(self):
            """slow"""


class Plain(User):
    wait_time = constant(100)

    @tag("fast")
    @task
    def g(self):
        """fast"""


def names(tasks):
    return [names(t.tasks) if hasattr(t, "tasks") else t.__name__ for t in tasks]


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    trace("run", environment.tags, environment.exclude_tags)
    for cls in environment.user_classes:
        trace("run", cls.__name__, names(cls.tasks))
