"""FastHttpLocust of Locust 0.x."""

# site
# args: -u 1
# ours: real Locust refuses it

from traced import quit_when_idle, trace, trace_stats

from locust import TaskSet, task
from locust.contrib.fasthttp import FastHttpLocust
from locust.exception import StopLocust

trace_stats()
quit_when_idle()


class Behaviour(TaskSet):
    @task
    def hello(self):
        trace("run", "Hello!" in self.client.get("/hello").text)
        with self.client.get("/error", catch_response=True) as response:
            response.success()
        raise StopLocust


class Visitor(FastHttpLocust):
    task_set = Behaviour
    min_wait = 0
    max_wait = 0
