"""The engine's options against servers that know what they are asked: proxies, TLS, HTTP/2, unix sockets."""

import json
import shutil
import subprocess

import nginx
import pytest
from proxies import Proxy
from serving import BUILDDIR, Server, checked_environment


def probe(*arguments):
    """What became of the exchanges; see tests/c/engine_probe.c."""
    done = subprocess.run([BUILDDIR / "engine-probe", *map(str, arguments)], env=checked_environment(),
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def one(*arguments):
    return probe(*arguments)[0]


def failure(*arguments):
    told = one(*arguments)
    return told["error"], told["code"], told["message"]


# --- Proxies.


def test_forwarding_proxy(hostile):
    with Proxy() as proxy:
        told = one("--proxy", proxy.url(), hostile.url + "/echo")
        assert told["status"] == 200
        assert proxy.seen == [("http", "%s:%d" % hostile.address)]
        lines = proxy.heads[0]
        assert lines[0] == f"GET {hostile.url}/echo HTTP/1.1"
        assert not [line for line in lines if line.lower().startswith("proxy-")]


def test_a_proxy_is_asked_for_its_own_scheme_only(hostile_tls, certs):
    server = hostile_tls("good")
    with Proxy() as proxy:
        assert one("--https-proxy", proxy.url(), server.url + "/ok")["status"] == 200
        assert not proxy.seen
        assert one("--proxy", proxy.url(), "--ca", certs["ca"].cert, server.urls[1] + "/ok")["status"] == 200
        assert not proxy.seen


def test_tunnel(hostile_tls, certs):
    server = hostile_tls("good")
    with Proxy() as proxy:
        told = probe("--https-proxy", proxy.url(), "--ca", certs["ca"].cert, *[server.urls[1] + "/ok"] * 3)
        assert [(t["status"], t["reused"]) for t in told] == [(200, False), (200, True), (200, True)]
        assert len(proxy.seen) == 1 and proxy.seen[0][0] == "connect"
        lines = proxy.heads[0]
        assert lines[0].startswith("CONNECT 127.0.0.1:")
        assert not [line for line in lines if line.lower().startswith("proxy-")]
        # Whoever is behind it must still be who he says.
        error, _, message = failure("--https-proxy", proxy.url(), server.urls[1] + "/ok")
        assert error == "tls" and "certificate" in message


def test_redirect_from_one_scheme_to_the_other(hostile_tls, certs):
    server = hostile_tls("good")
    with Proxy() as plain, Proxy() as secure:
        told = one("--proxy", plain.url(), "--https-proxy", secure.url(), "--ca", certs["ca"].cert,
                   f"{server.url}/redirect?to={server.urls[1]}/ok")
        assert told["status"] == 200
        assert [kind for kind, _ in plain.seen] == ["http"]
        assert [kind for kind, _ in secure.seen] == ["connect"]


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
def test_socks(hostile, scheme):
    host, port = hostile.address
    with Proxy() as proxy:
        assert one("--proxy", proxy.url(scheme), hostile.url + "/ok")["status"] == 200
        assert proxy.seen[0][1] == f"{host}:{port}"
        if scheme.endswith(("a", "h")):     # the proxy looks names up
            assert one("--proxy", proxy.url(scheme), f"http://name.invalid:{port}/ok")["status"] == 200
            assert proxy.seen[1] == (scheme, f"name.invalid:{port}")


def test_credentials(hostile, hostile_tls, certs):
    server = hostile_tls("good")
    with Proxy(credentials="us er:p@ss") as proxy:
        good, bad = proxy.url(credentials="us%20er:p%40ss"), proxy.url(credentials="us%20er:wrong")
        assert one("--proxy", good, hostile.url + "/ok")["status"] == 200
        assert one("--proxy", bad, hostile.url + "/ok")["status"] == 407
        assert one("--https-proxy", good, "--insecure", server.urls[1] + "/ok")["status"] == 200
        error, code, message = failure("--https-proxy", bad, "--insecure", server.urls[1] + "/ok")
        assert (error, code) == ("proxy", 407) and "407" in message
        socks = proxy.url("socks5h", "us%20er:p%40ss")
        assert one("--proxy", socks, hostile.url + "/ok")["status"] == 200
        assert failure("--proxy", proxy.url("socks5h", "a:b"), hostile.url + "/ok")[0] == "proxy"


def test_refusing_proxy(hostile_tls):
    server = hostile_tls("good")
    with Proxy(refuse="502 Bad Gateway") as proxy:
        error, code, _ = failure("--https-proxy", proxy.url(), server.urls[1] + "/ok")
        assert (error, code) == ("proxy", 502)
    error, code, message = failure("--https-proxy", proxy.url(), server.urls[1] + "/ok")
    assert (error, message) == ("proxy", "") and code > 0


def test_no_proxy(hostile):
    with Proxy() as proxy:
        assert one("--proxy", proxy.url(), "--no-proxy", "127.0.0.1", hostile.url + "/ok")["status"] == 200
        assert not proxy.seen


# --- TLS.


BAD = ["expired", "self_signed", "wrong_host"]


@pytest.mark.parametrize("how", ["engine", "file", "directory", "text"])
@pytest.mark.parametrize("name", ["good", *BAD])
def test_trust(hostile_tls, certs, tmp_path, how, name):
    server = hostile_tls(name)
    ca = certs["ca"].cert
    if how == "directory":
        shutil.copy(ca, tmp_path / "ca.pem")
        subprocess.run(["openssl", "rehash", tmp_path], check=True, capture_output=True)
    option = {"engine": ["--engine-ca", ca], "file": ["--ca", ca], "directory": ["--ca-dir", tmp_path],
              "text": ["--trust", ca]}[how]
    told = probe(*option, *[server.urls[1] + "/ok"] * 2)
    if name == "good":
        assert [(t["status"], t["reused"]) for t in told] == [(200, False), (200, True)]
        assert told[0]["tls"] > 0 == told[1]["tls"]
    else:
        assert [t["error"] for t in told] == ["tls", "tls"]
        expected = {"expired": "has expired", "self_signed": "self-signed", "wrong_host": "match"}[name]
        assert expected in told[0]["message"]


@pytest.mark.parametrize("name", ["good", *BAD])
def test_nobody_is_trusted_without_being_named(hostile_tls, certs, name):
    server = hostile_tls(name)
    assert one("--ca", certs["client"].cert, server.urls[1] + "/ok")["error"] == "tls"
    assert one(server.urls[1] + "/ok")["error"] == "tls"
    assert one("--insecure", server.urls[1] + "/ok")["status"] == 200
    assert one("--insecure", "--ca", "/nowhere", server.urls[1] + "/ok")["status"] == 200


def test_any_host(hostile_tls, certs):
    ca = certs["ca"].cert
    assert one("--any-host", "--ca", ca, hostile_tls("wrong_host").urls[1] + "/ok")["status"] == 200
    assert one("--any-host", "--ca", ca, hostile_tls("expired").urls[1] + "/ok")["error"] == "tls"


def test_unreadable_trust(hostile_tls, tmp_path):
    server = hostile_tls("good")
    (tmp_path / "empty.pem").write_text("")
    for path in ("/nowhere/ca.pem", tmp_path / "empty.pem"):
        error, _, message = failure("--ca", path, server.urls[1] + "/ok")
        assert error == "tls" and f"cannot be read from {path}" in message


@pytest.fixture
def demanding(certs):
    """A server that wants to know who asks."""
    with Server("hostile-server", "--tls", certs["good"].cert, certs["good"].key, "--client-ca", certs["ca"].cert,
                places=2) as server:
        yield server.urls[1] + "/ok"


def test_client_certificate(demanding, certs, tmp_path):
    trust = ["--ca", certs["ca"].cert]
    cert, key = certs["client"]
    assert failure(*trust, demanding)[0] in ("tls", "reset", "closed")
    assert one(*trust, "--cert", cert, "--key", key, demanding)["status"] == 200
    assert one(*trust, "--cert", cert, "--key", key, "--as-text", demanding)["status"] == 200
    both = tmp_path / "both.pem"
    both.write_text(cert.read_text() + key.read_text())
    assert one(*trust, "--cert", both, demanding)["status"] == 200
    assert one(*trust, "--cert", both, "--as-text", demanding)["status"] == 200
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", key, "-out", locked], check=True,
                   capture_output=True)
    assert one(*trust, "--cert", cert, "--key", locked, "--password", "secret", demanding)["status"] == 200
    assert one(*trust, "--cert", cert, "--key", locked, "--password", "wrong", demanding)["error"] == "tls"
    assert one(*trust, "--cert", cert, "--key", "/nowhere.key", demanding)["error"] == "tls"
    assert one(*trust, "--cert", certs["self_signed"].cert, "--key", certs["self_signed"].key,
               demanding)["error"] != ""


def test_versions_of_tls(hostile_tls, certs):
    server = hostile_tls("good")
    trust = ["--ca", certs["ca"].cert]
    assert one(*trust, "--max-tls", 12, server.urls[1] + "/ok")["status"] == 200
    assert one(*trust, "--min-tls", 13, server.urls[1] + "/ok")["status"] == 200
    assert one(*trust, "--min-tls", 13, "--max-tls", 12, server.urls[1] + "/ok")["error"] != ""
    assert one(*trust, "--max-tls", 12, "--ciphers", "NO-SUCH", server.urls[1] + "/ok")["error"] == "tls"
    assert one(*trust, "--max-tls", 12, "--ciphers", "ECDHE+AESGCM", server.urls[1] + "/ok")["status"] == 200


# --- HTTP/2 and unix sockets.


@pytest.fixture(scope="module")
def web(certs, tmp_path_factory):
    if nginx.program() is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    with nginx.Nginx(tmp_path_factory.mktemp("nginx") / "root", certs["good"]) as server:
        (server.files / "bytes").write_bytes(bytes(range(256)) * 4096)
        yield server


@pytest.fixture
def asked(web):
    """What nginx has seen since the test began, as (connection, protocol, path)."""
    before = len(web.seen())
    return lambda: [(connection, protocol, path) for connection, protocol, _, path in web.seen()[before:]]


def test_http_2(web, asked, certs):
    urls = [web.secure + "/ok", web.secure + "/hop", web.secure + "/ok", web.secure + "/nowhere"]
    told = probe("--http", 20, "--ca", certs["ca"].cert, *urls)
    assert [(t["status"], t["http"]) for t in told] == [(200, 20), (200, 20), (200, 20), (404, 20)]
    assert told[0]["body"] == "ok"
    seen = asked()
    assert len(seen) == 5 and len({connection for connection, _, _ in seen}) == 1
    assert {protocol for _, protocol, _ in seen} == {"HTTP/2.0"}


def test_http_2_at_once(web, asked, certs):
    told = probe("--http", 20, "--ca", certs["ca"].cert, "--at-once", *[web.secure + "/bytes"] * 30)
    assert {(t["status"], t["http"], t["length"]) for t in told} == {(200, 20, 1048576)}
    assert len({connection for connection, _, _ in asked()}) == 1


def test_http_2_streams(web, certs):
    told = probe("--http", 20, "--ca", certs["ca"].cert, "--stream", *[web.secure + "/bytes"] * 4)
    assert {(t["status"], t["http"], t["length"], t["error"]) for t in told} == {(200, 20, 1048576, "")}


def test_http_2_without_tls(web, asked):
    told = probe("--http", 20, *[web.plain + "/ok"] * 2)
    assert [(t["status"], t["http"]) for t in told] == [(200, 20), (200, 20)]
    assert {protocol for _, protocol, _ in asked()} == {"HTTP/2.0"}


@pytest.mark.parametrize("how", [[], ["--stream"]])
def test_http_2_body(web, asked, certs, how):
    trust = ["--http", 20, "--ca", certs["ca"].cert, *how]
    told = probe(*trust, "--post", "x" * 1000, *[web.secure + "/ok"] * 3)
    assert [(t["status"], t["length"]) for t in told] == [(200, 2)] * 3
    assert len({connection for connection, _, _ in asked()}) == 1
    # nginx answers without having read all of it; libcurl alone would wait for ever.
    told = one(*trust, "--post", "x" * 100000, web.secure + "/ok")
    assert (told["status"], told["length"], told["error"]) == (200, 2, "")


def test_http_2_trusts_nobody_else(web, certs):
    assert one("--http", 20, web.secure + "/ok")["error"] == "tls"


def test_http_1_unless_asked(web, asked, certs):
    told = probe("--ca", certs["ca"].cert, *[web.secure + "/ok"] * 2)
    assert [(t["status"], t["http"]) for t in told] == [(200, 11), (200, 11)]
    assert {protocol for _, protocol, _ in asked()} == {"HTTP/1.1"}


def test_a_server_without_http_2(hostile_tls, certs):
    server = hostile_tls("good")
    told = probe("--http", 20, "--ca", certs["ca"].cert, "--at-once", *[server.urls[1] + "/ok"] * 3)
    assert [(t["status"], t["http"]) for t in told] == [(200, 11)] * 3
    assert one("--http", 20, server.url + "/ok")["error"] != ""


def test_unix_socket(web, certs):
    told = probe("--unix", web.socket, *["http://anything.invalid/ok"] * 2)
    assert [(t["status"], t["reused"]) for t in told] == [(200, False), (200, True)]
