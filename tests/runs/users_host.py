"""The host: of the class, of the command line, of the environment, and none."""

# run class: -u 2 -r 100 Own Plain
# run option: -u 2 -r 100 -H http://127.0.0.1:9 Own Plain
# run environment: -u 2 -r 100 Own Plain
# run http: -u 1 -H http://127.0.0.1:9/base Http
# run http_none: -u 1 Http
# run http_empty: -u 1 Empty
# run http_credentials: -u 1 -H http://name:secret@127.0.0.1:9 Http

from traced import RUN, quit_when_idle, trace, trace_logs

from locust import HttpUser, User, events, task
from locust.exception import StopUser

trace_logs()
quit_when_idle()


class Someone(User):
    abstract = True

    @task
    def look(self):
        trace(self, self.host, type(self).host, self.environment.host)
        if hasattr(self, "client"):
            trace(self, self.client.base_url, type(self.client.auth).__name__, self.client.trust_env)
        raise StopUser


class Own(Someone):
    host = "http://own.example"


class Plain(Someone):
    pass


class Http(Someone, HttpUser):
    pass


class Empty(Someone, HttpUser):
    host = ""


@events.init.add_listener
def on_init(environment, **kwargs):
    trace("run", environment.host, [c.host for c in environment.user_classes])
    if RUN == "environment":
        environment.host = "http://environment.example"
