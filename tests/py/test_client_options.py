"""What a session asks of its connections: authorities, client certificates, proxies, versions of HTTP, unix sockets;
and where the time went. Both natively and through requests' machinery."""

import ssl
import urllib.parse

import nginx
import pytest
from http_pair import Events, ours
from proxies import Proxy
from requests.adapters import HTTPAdapter
from serving import Server

from locust import HttpUser
from locust.env import Environment

WAYS = [{}, {"hooks": {"response": lambda r, **_: None}}]


@pytest.fixture
def events():
    return Events()


@pytest.fixture(scope="module")
def web(tmp_path_factory, certs):
    if nginx.program() is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    with nginx.Nginx(tmp_path_factory.mktemp("nginx") / "root", certs["good"]) as server:
        yield server


# --- TLS.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("certificate, verify, good", [
    ("good", "ca", True), ("good", True, False), ("good", False, True), ("self_signed", "ca", False),
    ("wrong_host", "ca", False), ("expired", "ca", False), ("expired", False, True)])
def test_verify(hostile_tls, certs, events, way, certificate, verify, good):
    verify = str(certs["ca"].cert) if verify == "ca" else verify
    client = ours(hostile_tls(certificate).urls[1], events)
    assert (client.get("/ok", verify=verify, **way).status_code == 200) is good
    client.verify = verify
    assert (client.get("/ok", **way).status_code == 200) is good
    assert [e is None for e in events.exceptions] == [good] * 2
    if not good:
        assert type(events.exceptions[0]).__name__ == "SSLError"
        assert "CERTIFICATE_VERIFY_FAILED" in repr(events.exceptions)


@pytest.mark.parametrize("way", WAYS)
def test_files_that_are_not_there(hostile_tls, events, way):
    """As in requests: an OSError for the task, and only for https."""
    server = hostile_tls("good")
    for arguments in ({"verify": "/no/such/file"}, {"verify": False, "cert": "/no/such/file"},
                      {"verify": False, "cert": ("/etc/hostname", "/no/such/key")}):
        with pytest.raises(OSError, match="Could not find .*/no/such/"):
            ours(server.urls[1], events).get("/ok", **arguments, **way)
    assert not events
    assert ours(server.url).get("/ok", verify="/no/such/file", **way).ok


@pytest.mark.parametrize("way", WAYS)
def test_files_that_change_from_request_to_request(hostile_tls, certs, events, way):
    """What one request's files meant is not what the next one's mean."""
    good, plain = hostile_tls("good").urls[1], hostile_tls("good").url
    ca, other = str(certs["ca"].cert), str(certs["self_signed"].cert)
    client = ours(good, events)
    for verify, expected in ((ca, 200), (ca, 200), (other, 0), (ca, 200), (True, 0), (False, 200), (other, 0)):
        client.verify = verify
        assert client.get("/ok", headers={"Connection": "close"}, **way).status_code == expected
    client.verify = missing = "/no/such/file"
    assert client.get(f"{plain}/ok", **way).ok
    for _ in range(2):
        with pytest.raises(OSError, match=missing):
            client.get("/ok", **way)
    client.verify = ca
    assert client.get("/ok", **way).ok
    client.cert = ("/etc/hostname", "/no/such/key")
    with pytest.raises(OSError, match="/no/such/key"):
        client.get("/ok", **way)


@pytest.mark.parametrize("way", WAYS)
def test_client_certificate(certs, events, tmp_path, way):
    cert, key = map(str, certs["client"])
    both = tmp_path / "both.pem"
    both.write_text(certs["client"].cert.read_text() + certs["client"].key.read_text())
    with Server("hostile-server", "--tls", certs["good"].cert, certs["good"].key, "--client-ca", certs["ca"].cert,
                places=2) as server:
        client = ours(server.urls[1], events)
        client.verify = str(certs["ca"].cert)
        assert client.get("/ok", **way).status_code == 0
        assert client.get("/ok", cert=(cert, key), **way).ok
        assert client.get("/ok", cert=str(both), **way).ok
        client.cert = (cert, key)
        assert client.get("/ok", **way).ok


def test_an_adapter_with_a_context(hostile_tls, certs, events):
    """What was loaded into the context counts, and the engine does it."""
    class WithContext(HTTPAdapter):
        def init_poolmanager(self, *args, **kwargs):
            context = ssl.create_default_context(cafile=certs["ca"].cert)
            super().init_poolmanager(*args, ssl_context=context, **kwargs)

    server = hostile_tls("good")
    client = ours(server.urls[1], events)
    client.mount("https://", WithContext())
    assert client.get("/ok").ok
    assert getattr(events[0]["response"].raw, "engine_reply", None) is not None
    client = ours(hostile_tls("self_signed").urls[1], events)
    client.mount("https://", WithContext())
    assert client.get("/ok").status_code == 0


# --- Proxies.


def test_a_tunnel(hostile_tls, certs, events):
    server = hostile_tls("good")
    with Proxy() as proxy:
        client = ours(server.urls[1], events)
        client.verify = str(certs["ca"].cert)
        for _ in range(3):
            assert client.get("/ok", proxies={"https": proxy.url()}).ok
        assert [kind for kind, _ in proxy.seen] == ["connect"]


@pytest.mark.parametrize("before", [None, False, True])
@pytest.mark.parametrize("verify", [False, True])
def test_a_proxy_by_tls(hostile, certs, events, before, verify):
    """As in requests, nobody asks whether its certificate is good if what is wanted is no https."""
    client = ours(hostile.url, events)
    with Proxy(certificate=certs["self_signed"]) as proxy:
        for _ in range(3):
            if before is not None:
                assert client.get("/ok", verify=before).ok
            assert client.get("/ok", verify=verify, proxies={"http": proxy.url("https")}).ok
    assert [kind for kind, _ in proxy.seen] == ["http"] * 3


def test_a_redirect_to_another_scheme_changes_the_proxy(hostile_tls, certs):
    server = hostile_tls("good")
    with Proxy() as plain, Proxy() as secure:
        client = ours(server.url)
        client.proxies = {"http": plain.url(), "https": secure.url()}
        response = client.get(f"/redirect?to={server.urls[1]}/ok", verify=str(certs["ca"].cert))
        assert response.ok and len(response.history) == 1
        assert [kind for kind, _ in plain.seen] == ["http"] and [kind for kind, _ in secure.seen] == ["connect"]


# --- HTTP/2.


@pytest.mark.parametrize("way", [*WAYS, {"stream": True}])
def test_http_2(web, certs, events, way):
    client = ours(web.secure, events)
    client.verify = str(certs["ca"].cert)
    assert client.http_version == "1.1"
    assert client.get("/ok", **way).raw.version == 11
    client.http_version = "2"
    assert client.http_version == "2"
    for _ in range(3):
        response = client.get("/ok", **way)
        assert (response.raw.version, response.text) == (20, "ok")
    client.close()
    with pytest.raises(ValueError, match="http_version must be"):
        client.http_version = "3"


def test_http_2_of_a_user_class(web, events):
    class User(HttpUser):
        host = web.plain
        http_version = "2"

    assert User(Environment()).client.get("/ok").raw.version == 20


# --- Unix sockets.


@pytest.mark.parametrize("way", [*WAYS, {"stream": True}])
def test_unix_socket(web, events, way):
    client = ours("http+unix://" + urllib.parse.quote(str(web.socket), safe=""), events)
    response = client.get("/ok", **way)
    assert response.text == "ok" and response.url == "http://localhost/ok" and events[0]["name"] == "/ok"


# --- Where the time went.


def test_timings_only_if_asked_for(hostile, events):
    client = ours(hostile.url, events)
    assert client.get("/ok").timings is None and "timings" not in events[0]
    client.close()
    client.report_timings = True
    first, second = client.get("/redirect?to=/delay?ms=20"), client.get("/delay?ms=20", catch_response=True)
    assert first.timings["reused"] and not first.history[0].timings["reused"]
    assert first.history[0].timings["connect"] > 0 and first.history[0].timings["tls"] == 0
    assert 20 <= second.timings["first_byte"] <= second.timings["total"] <= second.request_meta["response_time"] + 1
    assert second.timings["peer"] == "%s:%d" % hostile.address and second.timings["local"].startswith("127.0.0.1:")
    with second:
        pass
    assert events[1]["timings"] == first.timings and events[2]["timings"] == second.timings
    client.get("/close-before-reply")
    assert "timings" in events[3]


def test_timings_of_a_user_class(hostile):
    class User(HttpUser):
        host = hostile.url
        report_timings = True

    assert User(Environment()).client.get("/ok").timings["total"] > 0


