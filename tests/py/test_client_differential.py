"""The same calls through requests.Session and through HttpSession look the same, on the wire and in Python."""

import io

import pytest
import requests
from http_pair import our_outcome, their_outcome
from requests.auth import HTTPBasicAuth, HTTPDigestAuth


def echo(method="get", path="/echo", **kwargs):
    """A call of a verb, whose reply tells what was on the wire."""
    return lambda s, base: getattr(s, method)(base + path, **kwargs)


def request(method, path="/echo", **kwargs):
    return lambda s, base: s.request(method, base + path, **kwargs)


def redirected(to="/echo", code=302, method="get", **kwargs):
    return lambda s, base: s.request(method.upper(), base + "/redirect", **{
        "params": {"to": to, "code": code}, **kwargs})


def setting(call, **attributes):
    """A call of a session with attributes set; a dict updates what is there."""
    def run(s, base):
        for name, value in attributes.items():
            if isinstance(value, dict):
                getattr(s, name).update(value)
            else:
                setattr(s, name, value)
        return call(s, base)
    return run


def cookie_set(name, value, call):
    """A call of a session with one more cookie."""
    return after(lambda s, base: s.cookies.set(name, value), call)


def after(first, call):
    """A call that follows another one on the same session."""
    def run(s, base):
        first(s, base)
        return call(s, base)
    return run


def at(url, method="get", **kwargs):
    """A call of a URL that stands by itself."""
    return lambda s, base: getattr(s, method)(url, **kwargs)


class Pairs:
    """An auth object that is a function of the request, as requests allows."""

    def __call__(self, request):
        request.headers["X-Auth"] = "yes"
        return request


CALLS = {
    # Verbs.
    "get": echo(),
    "post": echo("post"),
    "put": echo("put"),
    "patch": echo("patch"),
    "delete": echo("delete"),
    "options": echo("options"),
    "head": echo("head"),
    "head following": echo("head", allow_redirects=True),
    "lower case method": request("get"),
    "unusual method": request("purge"),
    "unusual method with a body": request("REPORT", data="x"),
    "connect method": request("TRACE"),
    # URLs.
    "no path": lambda s, base: s.get(base),
    "query only": lambda s, base: s.get(base + "?a=1"),
    "query": echo(path="/echo?a=1&b=two"),
    **{f"{what}{name}": echo(path="/echo" + query, params=params)
       for name, query in {"empty query": "?", "empty fragment": "#", "empty both": "?#", "query of ?": "??",
                           "query of &": "?&", "open query": "?x=1&", "own query": "?x=1", "fragment": "#f"}.items()
       for what, params in {"": None, "no params and ": {}, "params and ": {"a": 1}, "text and ": "a=1"}.items()},
    "space in path": echo(path="/echo/a b?c d"),
    "umlaut in path": echo(path="/echo/ä?ö=ü"),
    "lower case escape": echo(path="/echo?a=%2f%7e%zz"),
    "percent": echo(path="/echo?100%"),
    "dots": echo(path="/a/../echo"),
    "dots at the end": echo(path="/echo/."),
    "hidden file": echo(path="/echo/.well-known/x"),
    "two slashes": echo(path="//echo"),
    "fragment": echo(path="/echo#part"),
    "empty fragment and query": echo(path="/echo?#"),
    "brackets": echo(path="/echo?a[]=1&b={x}|^`\"<>\\"),
    "upper case scheme": lambda s, base: s.get("HTTP" + base[4:] + "/echo"),
    "leading space": lambda s, base: s.get(base + "/echo ", params={}),
    "name instead of address": lambda s, base: s.get(base.replace("127.0.0.1", "localhost") + "/echo"),
    "upper case host": lambda s, base: s.get(base.replace("127.0.0.1", "LOCALHOST") + "/echo"),
    "credentials in the url": lambda s, base: s.get(base.replace("//", "//joe:se%20cret@") + "/echo"),
    "user in the url": lambda s, base: s.get(base.replace("//", "//joe@") + "/echo"),
    "credentials in the url and a name": lambda s, base: s.get(
        base.replace("//127.0.0.1", "//joe:secret@localhost") + "/echo"),
    "semicolon": echo(path="/echo;a=b;c"),
    # Parameters.
    "params": echo(params={"a": 1, "b": "two words", "c": "ä&="}),
    "params after a query": echo(path="/echo?x=1", params={"a": 1}),
    "params before a fragment": echo(path="/echo#f", params={"a": 1}),
    "params with lists": echo(params={"a": [1, 2], "b": ()}),
    "params with None": echo(params={"a": None, "b": 1}),
    "params as pairs": echo(params=[("a", 1), ("a", 2)]),
    "params as text": echo(params="a=1&b c"),
    "params as bytes": echo(params=b"a=1"),
    "params with floats and bools": echo(params={"a": 1.5, "b": True}),
    "params empty": echo(params={}),
    "params with bytes": echo(params={b"k": b"v\xff"}),
    "params with tilde": echo(params={"a": "~-._*!'()"}),
    "session params": setting(echo(params={"b": 2}), params={"a": 1}),
    "session params removed": setting(echo(params={"a": None}), params={"a": 1}),
    # Headers.
    "headers": echo(headers={"X-One": "1", "x-two": "2"}),
    "header replaced": echo(headers={"user-agent": "me"}),
    "header removed": echo(headers={"Accept": None}),
    "user agent removed": echo(headers={"User-Agent": None}),
    "encoding removed": echo(headers={"Accept-Encoding": None}),
    "connection removed": echo(headers={"Connection": None}),
    "empty header": echo(headers={"X-Empty": ""}),
    "header as bytes": echo(headers={"X-Bytes": b"b\xe4"}),
    "name as bytes": echo(headers={b"X-Bytes": "a"}),
    "latin-1 header": echo(headers={"X-Latin": "ä"}),
    "header with euro": echo(headers={"X-Euro": "€"}),
    "header with line break": echo(headers={"X-Bad": "a\nb"}),
    "header with return": echo(headers={"X-Bad": "a\r\nb: c"}),
    "header with leading space": echo(headers={"X-Bad": " a"}),
    "header with trailing space": echo(headers={"X-Space": "a "}),
    "header with number": echo(headers={"X-Number": 1}),
    "header with bad name": echo(headers={"X-Bad\n": "1"}),
    "header with colon": echo(headers={"X:Bad": "1"}),
    "header with semicolon": echo(headers={"X-A;": "1"}),
    "header name with space": echo(headers={" X-Bad": "1"}),
    "header with empty name": echo(headers={"": "1"}),
    "header with NUL": echo(headers={"X-Nul": "a\0b"}),
    "headers as list": echo(headers=[("X-One", "1")]),
    "host header": echo(headers={"Host": "elsewhere.example"}),
    "connection close": echo(headers={"Connection": "close"}),
    "cookie header": echo(headers={"Cookie": "own=1"}),
    "content length header": echo("post", data="abc", headers={"Content-Length": "3"}),
    "content type header": echo("post", data="abc", headers={"content-type": "text/x"}),
    "content type for no body": echo("post", headers={"Content-Type": "text/x"}),
    "authorization header": echo(headers={"Authorization": "Bearer x"}),
    "expect header": echo("post", data="abc", headers={"Expect": "100-continue"}),
    "session headers": setting(echo(headers={"X-B": "2"}), headers={"X-A": "1", "Accept": "text/x"}),
    "session header removed": setting(echo(headers={"x-a": None}), headers={"X-A": "1"}),
    "session headers as a dict": lambda s, base: (setattr(s, "headers", {"X-Only": "1"}), s.get(base + "/echo"))[1],
    # Bodies.
    "form": echo("post", data={"a": 1, "b": "two words", "c": "ä"}),
    "form with lists": echo("post", data={"a": [1, 2], "b": None}),
    "form as pairs": echo("post", data=[("a", "1"), ("a", "2")]),
    "form with float": echo("post", data={"a": 1.5}),
    "empty form": echo("post", data={}),
    "text": echo("post", data="some text"),
    "umlauts": echo("post", data="ä€"),
    "empty text": echo("post", data=""),
    "bytes": echo("post", data=b"\0\xff\r\n"),
    "bytearray": echo("post", data=bytearray(b"abc")),
    "memoryview": echo("post", data=memoryview(b"abc")),
    "large body": echo("post", data="x" * 2_000_000),
    "medium body": echo("post", data="x" * 100_000),
    "file": lambda s, base: s.post(base + "/echo", data=io.BytesIO(b"a file")),
    "generator": lambda s, base: s.post(base + "/echo", data=iter([b"a ", b"file"])),
    "body with get": echo(data="abc"),
    "body with delete": echo("delete", data="abc"),
    "body with head": echo("head", data="abc"),
    "json with get": echo(json={"a": 1}),
    "json": echo("post", json={"a": [1, 2.5, None, True], "ä": "€"}),
    "json empty dict": echo("post", json={}),
    "json list": echo("post", json=[]),
    "json text": echo("post", json="x"),
    "json zero": echo("post", json=0),
    "json None": echo("post", json=None),
    "json nan": echo("post", json=float("nan")),
    "json of an object": echo("post", json=object()),
    "json and data": echo("post", data={"a": 1}, json={"b": 2}),
    "json and empty data": echo("post", data={}, json={"b": 2}),
    "json and a type": echo("post", json={}, headers={"Content-Type": "application/x+json"}),
    "files": echo("post", files={"f": ("n.txt", b"abc", "text/plain")}, headers={
        "Content-Type": "multipart/form-data; boundary=x"}),
    # Authorization.
    "auth": echo(auth=("joe", "secret")),
    "auth with umlauts": echo(auth=("jö", "ü")),
    "auth with euro": echo(auth=("€", "x")),
    "auth object": echo(auth=HTTPBasicAuth("joe", "secret")),
    "auth list": echo(auth=["joe", "secret"]),
    "auth function": echo(auth=Pairs()),
    "auth over a header": echo(auth=("a", "b"), headers={"Authorization": "Bearer x"}),
    "auth with a body": echo("post", data={"a": 1}, auth=("a", "b")),
    "session auth": setting(echo(), auth=("joe", "secret")),
    "session auth replaced": setting(echo(auth=("a", "b")), auth=("joe", "secret")),
    "session auth over the url": lambda s, base: setting(
        lambda s, b: s.get(base.replace("//", "//joe:secret@") + "/echo"), auth=("a", "b"))(s, base),
    # Cookies.
    "cookies": echo(cookies={"a": "1", "b": "2"}),
    "cookies with number": echo(cookies={"a": 1}),
    "cookie with None": echo(cookies={"a": None}),
    "cookie with quotes": echo(cookies={"a": '"x y"'}),
    "cookies jar": echo(cookies=requests.cookies.cookiejar_from_dict({"a": "1"})),
    "empty cookies": echo(cookies={}),
    "cookies with umlauts": echo(cookies={"ä": "ü"}),
    "cookies jar with umlauts": echo(cookies=requests.cookies.cookiejar_from_dict({"ä": "ü"})),
    "session cookie with umlauts": cookie_set("ä", "ü", echo()),
    "session cookie with umlauts and own": cookie_set("ä", "ü", echo(cookies={"ä": "ö"})),
    "session cookie with umlauts deleted": cookie_set("ä", "ü", lambda s, base: (
        s.cookies.clear("", "/", "ä"), s.get(base + "/echo"))[1]),
    "set with umlauts and sent": after(echo(path="/set-cookie?a=%C3%A4"), echo()),
    "cookie with euro": echo(cookies={"a": "€"}),
    "session cookie with euro": cookie_set("a", "€", echo()),
    "cookie with another header": echo(cookies={"a": "x\r\nEvil: 1"}),
    "cookie whose name has another header": echo(cookies={"a\r\nEvil": "x"}),
    "session cookie with another header": cookie_set("a", "x\r\nEvil: 1", echo()),
    "cookie on two lines": echo(cookies={"a": "x\n y"}),
    "cookie with NUL": echo(cookies={"a": "x\0y"}),
    "cookie with another one": echo(cookies={"a": "x; b=1"}),
    "cookie whose name is a number": echo(cookies={1: "x"}),
    "set and sent": after(echo(path="/set-cookie?a=1&b=2"), echo()),
    "set and sent with own": after(echo(path="/set-cookie?a=1&b=2"), echo(cookies={"a": "own", "c": "3"})),
    "set with a body": after(echo(path="/set-cookie?a=1"), echo("post", data="x", headers={"X": "y"})),
    "session cookies": lambda s, base: (s.cookies.set("a", "1"), s.get(base + "/echo"))[1],
    "session cookie and own": lambda s, base: (
        s.cookies.set("a", "1"), s.cookies.set("b", "2"), s.get(base + "/echo", cookies={"a": "own"}))[2],
    "session cookie with path": lambda s, base: (
        s.cookies.set("a", "1", path="/echo"), s.cookies.set("b", "2"),
        s.cookies.set("c", "3", path="/other"), s.get(base + "/echo/x"))[3],
    "session cookie with domain": lambda s, base: (
        s.cookies.set("a", "1", domain="127.0.0.1"), s.cookies.set("b", "2", domain="elsewhere.example"),
        s.get(base + "/echo"))[2],
    "secure cookie": lambda s, base: (s.cookies.set("a", "1", secure=True), s.get(base + "/echo"))[1],
    "set on a redirect": lambda s, base: s.get(base + "/set-cookie?a=1&b=2"),
    "cookie header and a jar": after(echo(path="/set-cookie?a=1"), echo(headers={"Cookie": "own=1"})),
    "cookies through a redirect": redirected(cookies={"a": "1"}),
    "cookie header through a redirect": redirected(headers={"Cookie": "own=1"}),
    # Replies.
    "200": echo(path="/status?code=200"),
    "201": echo(path="/status?code=201"),
    "204": echo(path="/status?code=204"),
    "304": echo(path="/status?code=304"),
    "399": echo(path="/status?code=399"),
    "404": echo(path="/status?code=404"),
    "499": echo(path="/status?code=499"),
    "503": echo(path="/status?code=503"),
    "600": echo(path="/status?code=600"),
    "999": echo(path="/status?code=999"),
    "unknown": echo(path="/nothing"),
    "302 without a place": echo(path="/status?code=302"),
    "chunked": echo(path="/chunked"),
    "chunked with trailers": echo(path="/chunked-trailers"),
    "no length": echo(path="/no-length"),
    "gzip": echo(path="/gzip"),
    "deflate": echo(path="/deflate"),
    "raw deflate": echo(path="/deflate?raw=1"),
    "br": echo(path="/br"),
    "gzip not asked for": echo(path="/gzip", headers={"Accept-Encoding": "identity"}),
    "head of gzip": echo("head", path="/gzip"),
    "100 first": echo(path="/continue"),
    "100 first for a body": echo("post", path="/continue", data="abc"),
    "large": echo(path="/bytes?n=3000000"),
    "empty": echo(path="/bytes?n=0"),
    "slow header": echo(path="/slow-header?ms=50"),
    "slow body": echo(path="/slow-body?ms=10&n=4"),
    "drip": echo(path="/drip?ms=1"),
    "huge header": echo(path="/huge-header?n=60000"),
    "head with a body": echo("head", path="/head-with-body"),
    "after a head with a body": after(echo("head", path="/head-with-body"), echo()),
    "204 with a body": echo(path="/204-with-body"),
    "after a 204 with a body": after(echo(path="/204-with-body"), echo()),
    "set-cookie": echo(path="/set-cookie?a=1&b=2"),
    "close on second": echo(path="/close-on-second"),
    # Redirects.
    "301": redirected(code=301),
    "302": redirected(code=302),
    "303": redirected(code=303),
    "307": redirected(code=307),
    "308": redirected(code=308),
    "300": redirected(code=300),
    "304 with a place": redirected(code=304),
    "305 with a place": redirected(code=305),
    "not followed": redirected(allow_redirects=False),
    "chain": echo(path="/redirect-chain?n=5"),
    "head not followed": echo("head", path="/redirect-chain?n=2"),
    "head followed": echo("head", path="/redirect-chain?n=2", allow_redirects=True),
    "to a fragment": redirected("/echo#there"),
    "from a fragment": echo(path="/redirect?to=/echo#here"),
    "from a fragment to another": echo(path="/redirect?to=/echo%23there#here"),
    "to a relative path": redirected("echo?x=1"),
    "to a query": redirected("?to=/echo"),
    "to dots": redirected("./a/../echo"),
    "to dots at the root": redirected("/../echo"),
    "to a space": redirected("/echo/a b"),
    "to an umlaut": redirected("/echo/ä"),
    "to an escape": redirected("/echo/%2f%7e%zz"),
    "to a percent": redirected("/echo?100%"),
    "to brackets": redirected("/echo?a[]={x}|"),
    "to two slashes and a host": lambda s, base: redirected(base[5:] + "/echo")(s, base),
    "to a full url": lambda s, base: redirected(base + "/echo")(s, base),
    "to an upper case url": lambda s, base: redirected("HTTP" + base[4:] + "/echo")(s, base),
    "to no path": lambda s, base: redirected(base)(s, base),
    "to another name": lambda s, base: redirected(
        base.replace("127.0.0.1", "localhost") + "/echo", auth=("a", "b"), headers={"X": "1"},
        cookies={"c": "1"})(s, base),
    "with auth": redirected(auth=("a", "b")),
    "with credentials in the place": lambda s, base: redirected(base.replace("//", "//joe:secret@") + "/echo")(s, base),
    "to ftp": redirected("ftp://127.0.0.1/x"),
    "to mailto": redirected("mailto:joe"),
    "to a bad port": redirected("http://127.0.0.1:99999999/"),
    "to no host": redirected("http:///x"),
    "to a bad address": redirected("http://[::1/x"),
    "to nowhere": redirected("http://127.0.0.1:1/"),
    **{f"{method} with {code}": redirected(code=code, method=method, data={"a": 1}, headers={"X": "1"})
       for method in ("post", "put", "patch", "delete", "options") for code in (301, 302, 303, 307, 308)},
    **{f"empty {method} with {code}": redirected(code=code, method=method)
       for method in ("post", "put", "delete") for code in (301, 302, 307)},
    "json with 307": redirected(code=307, method="post", json={"a": 1}),
    "files with 302": redirected(code=302, method="post", files={"f": b"abc"}),
    "loop": echo(path="/redirect-loop"),
    "loop of five": setting(echo(path="/redirect-loop"), max_redirects=5),
    "no redirects allowed": setting(echo(path="/redirect-loop"), max_redirects=0),
    "chain within the limit": setting(echo(path="/redirect-chain?n=5"), max_redirects=5),
    # What is refused before anything is sent.
    "no host": at("http://"),
    "no host but a path": at("http:///x"),
    "star": at("http://*.example/"),
    "dot": at("http://.example/"),
    "bad port": at("http://127.0.0.1:99999999/"),
    "port of letters": at("http://127.0.0.1:abc/"),
    "bad address": at("http://[::1/"),
    "unknown name": at("http://nobody.invalid/"),
    "nobody listens": at("http://127.0.0.1:1/x"),
    "ipv6": at("http://[::1]:1/x"),
    "digest": echo(auth=HTTPDigestAuth("joe", "secret")),
    # Time limits that are none.
    "timeout": echo(timeout=5),
    "timeout pair": echo(timeout=(5, 6)),
    "timeout None": echo(timeout=None),
    "timeout zero": echo(timeout=0),
    "timeout negative": echo(timeout=-1),
    "timeout triple": echo(timeout=(1, 2, 3)),
    "timeout text": echo(timeout="soon"),
    "timeout bool": echo(timeout=True),
    "timeout list": echo(timeout=[1, 2]),
}


# Where we differ: what of the outcome, and why.
KNOWN = {
    "user agent removed": ({"request"}, "response.request shows what urllib3 would add on its way out"),
    "encoding removed": ({"request"}, "response.request shows what http.client would add on its way out"),
    "session headers as a dict": ({"request"}, "response.request shows what would be added on its way out"),
    "header as bytes": ({"request"}, "response.request has header values as str"),
    "header with NUL": (None, "libcurl cannot send a NUL in a header; ValueError"),
    "cookie with NUL": (None, "libcurl cannot send a NUL in a header; ValueError"),
    "host header": ({"text", "content", "lines"}, "Host comes first, wherever the caller has put it"),
    "umlauts": (None, "a str that is no Latin-1 goes out in UTF-8, as with newer requests"),
    "to a bad address": ({"raised"}, "InvalidURL, where requests lets a plain ValueError out"),
    "put with 301": ({"request"}, "response.request shows the length that http.client would add"),
    "patch with 301": ({"request"}, "response.request shows the length that http.client would add"),
    "empty put with 301": ({"request"}, "response.request shows the length that http.client would add"),
}


@pytest.mark.parametrize("name", CALLS)
def test_same(hostile, monkeypatch, name):
    monkeypatch.setattr("urllib3.filepost.choose_boundary", lambda: "boundary")
    call = CALLS[name]
    expected = their_outcome(call, hostile.url)
    got = our_outcome(call, hostile.url)
    different = {key for key in got.keys() | expected.keys() if got.get(key) != expected.get(key)}
    if name in KNOWN and KNOWN[name][0] is None:
        assert different, "it does not differ any more"
        return
    allowed = KNOWN[name][0] if name in KNOWN else set()
    for key in sorted(different - allowed):
        assert got.get(key) == expected.get(key), key
    assert different == allowed, "it does not differ any more"
