"""What users do with FastHttpUser's client besides requests: its pool, its cookies, headers of all requests, retries."""

# site
# args: -u 1

from traced import quit_when_idle, trace, trace_stats

from locust import FastHttpUser, constant, events, task
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopUser

trace_stats()
quit_when_idle()


@events.request.add_listener
def on_request(request_type, name, exception, response_length, **kwargs):
    trace("run", request_type, name, repr(exception), response_length)


class Visitor(FastHttpUser):
    wait_time = constant(0)
    default_headers = {"X-All": "yes"}
    max_redirects = 2
    connection_timeout = 10.0
    network_timeout = 10.0

    @task
    def visit(self):
        client = self.client
        response = client.post("/login", {"username": "bob", "password": "x"})
        trace(self, response.status_code, response.url.removeprefix(self.host), "bob" in response.text)
        trace(self, [cookie.name for cookie in client.cookiejar], client.client.default_headers["x-all"])
        client.client.clientpool.close()
        trace(self, client.get("/me").status_code, response.request.headers.get("X-All"))
        client.cookiejar.clear()
        response = client.get("/me")
        trace(self, response.status_code, response.ok, repr(response.error), str(response.error).removeprefix(self.host))
        other = FastHttpSession(base_url=self.host, request_event=client.request_event, user=self)
        trace(self, other.get("/me", name="other", allow_redirects=False).status_code, other.user is self)
        trace(self, sorted(client.client.clientpool.client_args), client.base_url == self.host)
        trace(self, client.get("/api/items").json()["items"][0]["id"], len(client.get("/hello").text))
        for header in ("content-type", "Content-Type"):
            trace(self, client.get("/api/items").headers[header])
        raise StopUser
