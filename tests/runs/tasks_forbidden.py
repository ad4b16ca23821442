"""What is refused while a locustfile is imported."""

# run task_named_run: -u 1
# run float_weight: -u 1
# run tag_without_name: -u 1
# run tag_without_parentheses: -u 1
# run text_weight: -u 1
# run sequence_of_text: -u 1
# run on_start_as_task: -t 1
# run import_error: -u 1
# run syntax: -u 1

from traced import RUN, quit_when, trace, trace_logs

from locust import SequentialTaskSet, User, constant, tag, task
from locust.exception import StopUser

trace_logs()
quit_when(lambda runner: runner.state == "running")


def refused():
    if RUN == "task_named_run":

        class A(User):
            @task
            def run(self):
                """Is not allowed."""

    elif RUN == "float_weight":

        class B(User):
            @task(1.5)
            def half(self):
                """Is not allowed."""

    elif RUN == "tag_without_name":

        @tag()
        def c(self):
            """Is not allowed."""

    elif RUN == "tag_without_parentheses":

        @tag
        def d(self):
            """Is not allowed."""

    elif RUN == "text_weight":

        class E(User):
            tasks = {trace: "many"}

    elif RUN == "sequence_of_text":

        class F(SequentialTaskSet):
            tasks = "abc"

    elif RUN == "import_error":
        import no_such_module  # noqa: F401
    elif RUN == "syntax":
        exec("def f(:")


try:
    refused()
except Exception as e:
    trace("run", type(e).__name__)
    raise


class Fine(User):
    wait_time = constant(0)

    @task
    def on_start(self):
        trace(self, "on_start")
        if RUN == "on_start_as_task":
            self.starts = getattr(self, "starts", 0) + 1
            if self.starts == 2:
                raise StopUser
