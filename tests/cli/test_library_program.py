"""Locust as a library inside the program, where the leak checker of a sanitized build sees it."""

CYCLES = """
import time
import locust.log
from locust import LoadTestShape, TaskSet, User, constant, events, task
from locust.debug import PrintListener
from locust.dispatch import UsersDispatcher, _kl_generator
from locust.env import Environment
from locust.runners import WorkerNode

class Inner(TaskSet):
    @task
    def leave(self):
        self.interrupt()

class Mine(User):
    wait_time = constant(0.001)
    tasks = [Inner]

    @task
    def fail(self):
        raise ValueError("on purpose")

class Shape(LoadTestShape):
    abstract = True

    def tick(self):
        return None if self.get_current_user_count() else (3, 100)

class Bad(Shape):
    abstract = True

    def tick(self):
        return 5

def cycle(users):
    env = Environment(user_classes=[Mine], stop_timeout=users % 2)
    env.create_local_runner()
    env.runner.start(users, 1000)
    env.runner.spawning_greenlet.join()
    time.sleep(0.01)
    env.runner.start(1, 1000)
    env.runner.spawning_greenlet.join()
    env.runner.register_message("x", lambda environment, msg: None)
    env.runner.send_message("x", {"a": 1})
    env.runner.stop()
    env.runner.quit()

def follow(shape):
    env = Environment(user_classes=[Mine], shape_class=shape())
    PrintListener(env)
    env.create_local_runner()
    env.runner.start_shape()
    env.runner.shape_greenlet.join()
    env.runner.quit()

@events.init.add_listener
def library(environment, **kwargs):
    for users in range(1, 12):
        cycle(users)
    follow(Shape)
    follow(Bad)
    dispatcher = UsersDispatcher([WorkerNode("a"), WorkerNode("b")], [Mine])
    dispatcher._distribute_users(10)
    dispatcher.add_worker(WorkerNode("c"))
    next(_kl_generator([("A", 1)]))
    for wrong in (5, [5], [("A", "x")]):
        try:
            _kl_generator(wrong)
        except TypeError:
            print("refused")
    locust.log.unhandled_greenlet_exception = False
    environment.process_exit_code = 0
    environment.runner.quit()
"""


def test_nothing_leaks(run):
    r = run("--headless", "--only-summary", "-L", "CRITICAL", "-t", "1", locustfile=CYCLES, timeout=120)
    assert r.code == 0 and r.out.count("refused") == 3, r
    assert "LeakSanitizer" not in r.err and "runtime error" not in r.err, r
