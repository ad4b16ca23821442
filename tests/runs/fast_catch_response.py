"""FastHttpUser with catch_response: what is reported, and which exceptions go on."""

# site
# args: -u 1

from traced import quit_when_idle, trace, trace_stats

from locust import FastHttpUser, constant, events, task
from locust.exception import CatchResponseError, InterruptTaskSet, LocustError, RescheduleTask, ResponseError, StopUser

trace_stats()
quit_when_idle()


@events.request.add_listener
def on_request(name, exception, response, context, **kwargs):
    trace("run", name, repr(exception), response.status_code, sorted(context.items()))


class Visitor(FastHttpUser):
    wait_time = constant(0)

    def context(self):
        return {"user": "me"}

    def attempt(self, name, action=None, raised=None, path="/hello", **kwargs):
        try:
            with self.client.get(path, name=name, catch_response=True, **kwargs) as response:
                if action:
                    action(response)
                if raised:
                    raise raised
        except BaseException as e:
            trace(self, name, "raises", type(e).__name__)
        else:
            trace(self, name, response.status_code)

    @task
    def visit(self):
        self.attempt("plain")
        self.attempt("error", path="/error")
        self.attempt("success", lambda r: r.success(), path="/error")
        self.attempt("failure", lambda r: r.failure("text"))
        self.attempt("failure of exception", lambda r: r.failure(ValueError("v")))
        self.attempt("failure then success", lambda r: (r.failure("x"), r.success()))
        self.attempt("success then failure", lambda r: (r.success(), r.failure(None)))
        self.attempt("raises", raised=KeyError("k"))
        self.attempt("ResponseError", raised=ResponseError("r"))
        self.attempt("CatchResponseError", raised=CatchResponseError("c"))
        self.attempt("RescheduleTask", raised=RescheduleTask())
        self.attempt("Interrupt", raised=InterruptTaskSet())
        self.attempt("success and raises", lambda r: r.success(), ValueError("v"))
        self.attempt("failure and raises", lambda r: r.failure("f"), RescheduleTask())
        self.attempt("raise_for_status", lambda r: r.raise_for_status(), path="/error")
        self.attempt("renamed", lambda r: r.request_meta.update(name="other name"))
        self.attempt("context", context={"more": 1})
        self.attempt("context changed", lambda r: r.request_meta["context"].update(late=True))
        self.attempt("refused", path="http://127.0.0.1:9/")
        self.attempt("refused success", lambda r: r.success(), path="http://127.0.0.1:9/")
        for forgotten in (self.client.get("/hello", name="without"),):
            for method in (forgotten.success, lambda r=forgotten: r.failure("x")):
                try:
                    method()
                except LocustError:
                    trace(self, "LocustError")
        unused = self.client.get("/hello", name="never entered", catch_response=True)
        try:
            unused.success()
        except LocustError:
            trace(self, "LocustError")
        raise StopUser
