"""Requests to a site: names, counts, failures, what the exceptions look like."""

# site
# args: -u 1

from traced import quit_when_idle, trace, trace_stats

from locust import HttpUser, constant, task
from locust.exception import StopUser

trace_stats()
quit_when_idle()


class Visitor(HttpUser):
    wait_time = constant(0)

    @task
    def visit(self):
        client = self.client
        trace(self, client.get("/").status_code)
        trace(self, client.get("/hello?x=1").ok, client.get("/item?id=1", name="/item").status_code)
        trace(self, client.get("/item", params={"id": 2}, name="/item").url.rpartition("/")[2])
        trace(self, client.get("/error").status_code, client.get("/nowhere").status_code)
        trace(self, client.head("/hello").status_code, client.request("get", "/hello").status_code)
        trace(self, client.post("/login", {"name": "me"}, name="login").status_code, len(client.cookies))
        reply = client.get("/me")
        trace(self, reply.status_code, [r.status_code for r in reply.history])
        trace(self, client.post("/api/items", json={"name": "x"}).status_code)
        trace(self, client.get("/api/items").json() is not None)
        client.request_name = "renamed"
        client.get("/hello")
        client.request_name = None
        with client.rename_request("block"):
            client.get("/world")
            client.get("/world", name="own wins")
        client.get(client.base_url + "/world#fragment")
        refused = client.get("http://127.0.0.1:9/refused")
        trace(self, refused.status_code, type(refused.error).__name__, refused.text, refused.content)
        trace(self, client.get("/slow?ms=3000", timeout=0.2).status_code)
        for url in ("htp://no", "//x", "http://"):
            try:
                trace(self, client.get(url).status_code)
            except Exception as e:
                trace(self, type(e).__name__)
        raise StopUser
