"""Two files that define a shape or a user class of the same name."""

# run shapes: -f shape_duplicate.py,_same_names.py -u 1
# run users: -f shape_duplicate.py,_same_names.py -u 1
# run imported: -f shape_duplicate.py,_same_names.py -u 1
# run twice: -f shape_duplicate.py,shape_duplicate.py -u 1

from traced import RUN, quit_when, trace

from locust import LoadTestShape, User, constant, events, task

if RUN != "twice":
    quit_when(lambda runner: runner.state == "running")


class Someone(User):
    wait_time = constant(100)

    @task
    def work(self):
        """Nothing."""


if RUN == "shapes":

    class Shape(LoadTestShape):
        def tick(self):
            return None


@events.init.add_listener
def on_init(environment, **kwargs):
    trace("run", sorted(environment.available_user_classes), [c.__name__ for c in environment.user_classes])
    if RUN == "twice":
        quit_when(lambda runner: True)
