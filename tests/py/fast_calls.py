"""Calls of FastHttpSession, and what can be seen of each: on the wire, of the reply, in the request event.

As a program, run by any Python that has locust, it makes them to a hostile-server and prints what it saw as JSON:
python3 tests/py/fast_calls.py URL [NAME...]
"""

import io
import json
import re
import sys

from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

SETTINGS = {"max_retries": 0, "max_redirects": 30, "network_timeout": 0.3, "connection_timeout": 2.0}


def get(path="/echo", **kwargs):
    return lambda s, base: s.get(path, **kwargs)


def post(path="/echo", **kwargs):
    return lambda s, base: s.post(path, **kwargs)


def request(method, path="/echo", **kwargs):
    return lambda s, base: s.request(method, path, **kwargs)


def redirected(to="/echo", code=302, method="GET", **kwargs):
    return lambda s, base: s.request(method, f"/redirect?to={to}&code={code}", **kwargs)


def after(first, second):
    """The second of two calls of one session."""
    def run(s, base):
        first(s, base)
        return second(s, base)
    return run


def with_settings(call, **settings):
    call.settings = settings
    return call


def agent(call, **attributes):
    """A call after attributes of the user agent were set."""
    def run(s, base):
        for name, value in attributes.items():
            setattr(s.client, name, value)
        return call(s, base)
    return run


def block(call, inside):
    """A call whose reply a block decides on."""
    def run(s, base):
        with call(s, base) as response:
            inside(response)
        return response
    return run


def make_file(name):
    file = io.BytesIO(b"contents")
    file.name = name
    return file


def fail(what):
    def inside(response):
        response.failure(what)
    return inside


def raise_it(error):
    def inside(response):
        raise error
    return inside


def set_meta(**what):
    return lambda response: response.request_meta.update(what)


CALLS = {
    # Verbs.
    "get": get(),
    "post": post(),
    "put": lambda s, base: s.put("/echo"),
    "patch": lambda s, base: s.patch("/echo"),
    "delete": lambda s, base: s.delete("/echo"),
    "options": lambda s, base: s.options("/echo"),
    "head": lambda s, base: s.head("/echo"),
    "lower case method": request("get"),
    "unusual method": request("PURGE"),
    "method with a space": request("GET /x"),
    "empty method": request(""),
    "post of two positional": lambda s, base: s.post("/echo", "data"),
    "post of three positional": lambda s, base: s.post("/echo", None, {"a": 1}),
    "put of two positional": lambda s, base: s.put("/echo", "data"),
    "request of all positional": lambda s, base: s.request(
        "POST", "/echo", "named", "data", False, False, {"X": "1"}, ("u", "p"), None, True, {"c": 1}),
    # URLs.
    "absolute": lambda s, base: s.get(base + "/echo"),
    "no path": lambda s, base: s.get(base),
    "empty": get(""),
    "query": get("/echo?a=1&b=two"),
    "fragment": get("/echo#part"),
    "space": get("/echo?a b"),
    "umlaut": get("/echo?ä=ö"),
    "escapes": get("/echo?%2f%7E%zz"),
    "percent": get("/echo?100%"),
    "brackets": get("/echo?a[]=1&b={x}|^`\"<>\\"),
    "dots": get("/x/../echo"),
    "semicolon": get("/echo;a=b"),
    "credentials in the url": lambda s, base: s.get(base.replace("//", "//joe:secret@") + "/echo"),
    "upper case scheme": lambda s, base: s.get("HTTP" + base[4:] + "/echo"),
    "name of a host": lambda s, base: s.get(base.replace("127.0.0.1", "localhost") + "/echo"),
    "not a str": get(5),
    # Parameters.
    "params": get(params={"a": 1, "b": "two words", "c": "ä&="}),
    "params after a query": get("/echo?x=1", params={"a": 1}),
    "params with lists": get(params={"a": [1, 2], "b": None, "c": ()}),
    "params as pairs": get(params=[("a", 1), ("a", 2)]),
    "params with float": get(params={"a": 1.5}),
    "params before a fragment": get("/echo#f", params={"a": 1}),
    "params empty": get(params={}),
    "unknown keyword": get(timeout=5),
    "unknown keyword beside params": get(params={"a": 1}, verify=False),
    "unknown keyword with post": post(timeout=5),
    "unknown keyword beside a form": post(data={"a": 1}, timeout=5),
    "unknown keyword beside text": post(data="text", timeout=5),
    # Headers.
    "headers": get(headers={"X-One": "1", "x-two": "2"}),
    "user agent": get(headers={"user-agent": "me"}),
    "accept encoding": get(headers={"accept-encoding": "identity"}),
    "header of a number": get(headers={"X-Number": 5}),
    "empty header": get(headers={"X-Empty": ""}),
    "latin-1 header": get(headers={"X-Latin": "ä"}),
    "header with euro": get(headers={"X-Euro": "€"}),
    "header with line break": get(headers={"X-Bad": "a\nb"}),
    "header with NUL": get(headers={"X-Bad": "a\0b"}),
    "header with a bad name": get(headers={"X Bad": "1"}),
    "header with an empty name": get(headers={"": "1"}),
    "header twice": get(headers={"X-A": "1", "x-a": "2"}),
    "header with a list": get(headers={"X-A": ["1", "2"]}),
    "authorization header": get(headers={"Authorization": "Bearer x"}),
    "cookie header": get(headers={"Cookie": "own=1"}),
    "connection close": get(headers={"Connection": "close"}),
    "default headers": with_settings(get(headers={"X-B": "2"}), headers={"X-A": "1", "X-B": "1"}),
    "default user agent": with_settings(get(), headers={"User-Agent": "me"}),
    "default accept": with_settings(get(), headers={"Accept": "text/x", "Accept-Encoding": "identity"}),
    "default type": with_settings(post(json={}), headers={"Content-Type": "text/x"}),
    # Bodies.
    "form": post(data={"a": 1, "b": "two words", "c": "ä"}),
    "form with a list": post(data={"a": [1, 2], "b": None}),
    "form with a type": post(data={"a": 1}, headers={"Content-Type": "x/y"}),
    "text": post(data="some text"),
    "text with a type": post(data="some text", headers={"Content-Type": "x/y"}),
    "umlauts": post(data="ä€"),
    "bytes": post(data=b"\0\xff\r\n"),
    "bytes with a type": post(data=b"abc", headers={"content-type": "x/y"}),
    "bytearray": post(data=bytearray(b"abc")),
    "empty text": post(data=""),
    "empty form": post(data={}),
    "large": post(data="x" * 300_000),
    "get with a body": get(data="abc"),
    "delete with a body": lambda s, base: s.delete("/echo", data="abc"),
    "generator": lambda s, base: s.post("/echo", data=iter([b"a ", b"file"])),
    "file": lambda s, base: s.post("/echo", data=io.BytesIO(b"a file")),
    "json": post(json={"a": [1, 2.5, None, True], "ä": "€"}),
    "json empty": post(json={}),
    "json zero": post(json=0),
    "json None": post(json=None),
    "json and data": post(data={"a": 1}, json={"b": 2}),
    "json and empty data": post(data={}, json={"b": 2}),
    "json with types": post(json={}, headers={"content-type": "x/y", "Accept": "z/z"}),
    "json with get": get(json={"a": 1}),
    "json with put": lambda s, base: s.put("/echo", json={"a": 1}),
    "json of nan": post(json=float("nan")),
    "files": post(data={"a": [1, None, "two"]}, files={"f": ("n.txt", b"abc", "text/plain", {"X": "1"}, "bound")}),
    "files of a file": lambda s, base: s.post(
        "/echo", files=[("f", ("n.txt", io.BytesIO(b"abc"), None, None, "bound")), ("g", make_file("/tmp/own.txt"))]),
    "files and text": post(data="text", files={"f": b"abc"}),
    # Authorization.
    "auth": get(auth=("joe", "secret")),
    "auth of bytes": get(auth=(b"joe", b"\xff")),
    "auth with umlauts": get(auth=("jö", "ü")),
    "auth with euro": get(auth=("€", "x")),
    "auth over a header": get(auth=("a", "b"), headers={"Authorization": "Bearer x"}),
    # Names and context.
    "name": get(name="mine"),
    "empty name": get(name=""),
    "request name": lambda s, base: (setattr(s, "request_name", "set"), s.get("/ok"))[1],
    "context": get(context={"a": 1}),
    # Cookies.
    "cookies": after(get("/set-cookie?a=1&b=2"), get()),
    "secure cookie": after(get("/set-cookie?a=1; Secure"), get()),
    "cookies of another path": after(get("/set-cookie?a=1; Path=/other"), get()),
    "cookies and a header": after(get("/set-cookie?a=1"), get(headers={"Cookie": "own=1"})),
    "cookies with a body": after(get("/set-cookie?a=1"), post(data={"a": 1})),
    "cookies with json": after(get("/set-cookie?a=1"), post(json={"a": 1})),
    "cookies cleared": after(lambda s, base: (s.get("/set-cookie?a=1"), s.cookiejar.clear()), get()),
    "cookies off": after(lambda s, base: (setattr(s.client, "cookiejar", None), s.get("/set-cookie?a=1")), get()),
    # Statuses.
    **{f"status {code}": get(f"/status?code={code}")
       for code in (200, 201, 204, 206, 208, 209, 226, 299, 300, 304, 305, 399, 400, 401, 404, 418, 499, 500, 503, 599)},
    "status taken": agent(get("/status?code=404"), valid_response_codes=frozenset([404])),
    "status not taken": agent(get("/status?code=200"), valid_response_codes=frozenset([404])),
    # Replies.
    "chunked": get("/chunked"),
    "trailers": get("/chunked-trailers"),
    "no length": get("/no-length"),
    "gzip": get("/gzip"),
    "deflate": get("/deflate"),
    "raw deflate": get("/deflate?raw=1"),
    "br": get("/br"),
    "100 first": get("/continue"),
    "many bytes": get("/bytes?n=300000"),
    "no bytes": get("/bytes?n=0"),
    "head of gzip": lambda s, base: s.head("/gzip"),
    "slow body": get("/slow-body?ms=10&n=3"),
    "drip": get("/drip?ms=1"),
    "long header": get("/huge-header?n=60000"),
    "stream": get("/bytes?n=20000", stream=True),
    "stream of chunks": get("/chunked", stream=True),
    "stream of a failure": get("/status?code=500", stream=True),
    # Redirects.
    **{f"{method} {code}": redirected(code=code, method=method, **({"data": "x"} if method != "GET" else {}))
       for method in ("GET", "POST", "PUT") for code in (301, 302, 303, 307, 308)},
    "json and 302": redirected(method="POST", json={"a": 1}),
    "json and 307": redirected(code=307, method="POST", json={"a": 1}),
    "head 302": redirected(method="HEAD"),
    "300 with a place": redirected(code=300),
    "304 with a place": redirected(code=304),
    "not followed": redirected(allow_redirects=False),
    "not followed, then followed": after(redirected(allow_redirects=False), redirected()),
    "codes not followed": agent(redirected(), redirect_response_codes=frozenset()),
    "one code followed": agent(redirected(code=307), redirect_response_codes=frozenset([307])),
    "chain": get("/redirect-chain?n=5"),
    "loop": get("/redirect-loop"),
    "loop of five": with_settings(get("/redirect-loop"), max_redirects=5),
    "five of five": with_settings(get("/redirect-chain?n=5"), max_redirects=5),
    "no redirects allowed": with_settings(redirected(), max_redirects=0),
    "max_redirects of a call": get("/redirect-loop", max_redirects=2),
    "to a full url": lambda s, base: redirected(base + "/echo")(s, base),
    "to another name": lambda s, base: redirected(
        base.replace("127.0.0.1", "localhost") + "/echo", auth=("a", "b"))(s, base),
    "to two slashes": lambda s, base: redirected(base[5:] + "/echo")(s, base),
    "to a relative path": redirected("echo"),
    "to a query": redirected("?to=/echo"),
    "to a space": redirected("/echo%2520a+b"),
    "to ftp": redirected("ftp://127.0.0.1/x"),
    "with auth": redirected(auth=("a", "b")),
    "with cookies": after(get("/set-cookie?a=1"), redirected()),
    "to nowhere": redirected("http://127.0.0.1:1/"),
    # Failures.
    "closed": get("/close-before-reply"),
    "reset": get("/reset-before-reply"),
    "reset in the header": get("/reset-in-header"),
    "reset in the body": get("/reset-in-body"),
    "truncated": get("/truncated"),
    "short chunk": get("/short-chunk"),
    "bad chunk": get("/bad-chunk-size"),
    "garbage": get("/garbage"),
    "bad status line": get("/bad-status-line"),
    "bad gzip": get("/bad-gzip"),
    "silent": get("/silent"),
    "silent, two retries": with_settings(get("/silent"), max_retries=2, network_timeout=0.1),
    "max_retries of a call": with_settings(get("/silent", max_retries=1), network_timeout=0.1),
    "slow header": get("/slow-header?ms=2000"),
    "body too slow": get("/slow-body?ms=2000"),
    "204 with a body": get("/204-with-body"),
    "nobody listens": get("http://127.0.0.1:1/x"),
    "unknown name": get("http://nobody.invalid/x"),
    "bad address": get("http://[::1/x"),
    "kept, then closed": after(get("/close-on-second"), get("/ok")),
    # Blocks.
    "block": block(get("/ok", catch_response=True), lambda r: None),
    "block of a failure": block(get("/status?code=404", catch_response=True), lambda r: None),
    "block: success": block(get("/status?code=404", catch_response=True), lambda r: r.success()),
    "block: failure": block(get("/ok", catch_response=True), fail("no good")),
    "block: failure with an exception": block(get("/ok", catch_response=True), fail(ValueError("bad"))),
    "block: last call wins": block(get("/ok", catch_response=True), lambda r: (r.failure("x"), r.success())),
    "block: exception": block(get("/ok", catch_response=True), raise_it(ValueError("out"))),
    "block: renamed": block(get("/ok", catch_response=True), set_meta(name="new", context={"a": 1})),
    "block: exception of one's own": block(get("/ok", catch_response=True), set_meta(exception="mine")),
    "block: broken body": block(get("/truncated", catch_response=True), lambda r: None),
    "block: broken body, success": block(get("/truncated", catch_response=True), lambda r: r.success()),
    "block without reply": block(get("/close-before-reply", catch_response=True), lambda r: None),
    "block without reply, success": block(get("/close-before-reply", catch_response=True), lambda r: r.success()),
    "block without catch_response": block(get("/ok"), lambda r: None),
    "success without catch_response": lambda s, base: s.get("/ok").success(),
    "failure without catch_response": lambda s, base: s.get("/ok").failure("x"),
    "success before the block": lambda s, base: s.get("/ok", catch_response=True).success(),
    "raise_for_status": lambda s, base: s.get("/status?code=404").raise_for_status(),
    "raise_for_status without reply": lambda s, base: s.get("/close-before-reply").raise_for_status(),
    "lines": lambda s, base: list(s.iter_lines("/bytes?n=10")),
}


def shown(value):
    """An object as JSON has it, told the same everywhere."""
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("latin-1")
    if isinstance(value, str):
        return value if len(value) < 500 else [len(value), value[:20]]
    if isinstance(value, BaseException):
        return repr(value)
    if isinstance(value, (str, int, float, list, dict, type(None))):
        return value
    return re.sub(r" at 0x\w+", "", repr(value))


def attribute(response, name):
    try:
        return shown(getattr(response, name))
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def wire_of(response):
    """What /echo says that was sent."""
    try:
        told = json.loads(response.content)
        hosts = [value for name, value in told["headers"] if name == "Host"]
        headers = [pair for pair in told["headers"] if pair[0] != "Host"]
        return {"line": told["line"], "host": hosts, "headers": headers, "body": shown(told["body"].encode("latin-1"))}
    except (TypeError, ValueError, KeyError):
        return None


def seen_of_response(response):
    if not hasattr(response, "status_code"):
        return shown(response)
    seen = {name: attribute(response, name) for name in ("status_code", "ok", "url", "error", "encoding")}
    seen["class"] = type(response).__name__
    wire = wire_of(response)
    if wire is not None:
        seen["wire"] = wire
    else:
        seen["content"] = attribute(response, "content")
        seen["text"] = attribute(response, "text")
        seen["headers"] = response.headers and [[name, shown(value)] for name, value in response.headers.items()]
    seen["sent"] = [response.request.method, response.request.url, shown(response.request.payload)]
    seen["raised"] = raised_by(response.raise_for_status)
    return seen


def raised_by(function):
    try:
        function()
    except Exception as e:
        return repr(e)
    return None


def seen_of_event(event):
    seen = {name: shown(value) for name, value in event.items() if name not in ("response", "response_time", "start_time")}
    assert event["response_time"] >= 0 and event["start_time"] > 1e9
    return seen


def outcome(call, base):
    """Everything that can be seen of a call."""
    events = []
    hook = EventHook()
    hook.add_listener(lambda **kwargs: events.append(kwargs))
    session = FastHttpSession(base, hook, None, **{**SETTINGS, **getattr(call, "settings", {})})
    try:
        result = seen_of_response(call(session, base))
    except Exception as e:
        result = {"raises": type(e).__name__}
    told = json.dumps({"result": result, "events": [seen_of_event(event) for event in events]})
    told = told.replace(base, "BASE").replace(base.removeprefix("http://127.0.0.1"), ":PORT").replace(base[5:], "BASE")
    told = re.sub(r"(gevent-http-client-)[\d.]+", r"\1VERSION", told)
    return json.loads(told)


def main(base, *names):
    print(json.dumps({name: outcome(CALLS[name], base) for name in names or CALLS}))


if __name__ == "__main__":
    main(*sys.argv[1:])
