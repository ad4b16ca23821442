"""The servers under load, each on a free port of 127.0.0.1."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess

from procs import BenchError, Child, wait_until

PAGE = "This page is of thirty-four bytes."

_NGINX_CONF = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log;
events {{
    worker_connections {files};
}}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_header_timeout 1h;
    reset_timedout_connection off;
    default_type text/plain;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port} {ssl} backlog=4096;
        {certificate}
        return 200 '{page}';
    }}
    server {{
        listen 127.0.0.1:{status_port};
        location = /status {{
            stub_status;
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port):
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    return False


class _Server:
    """A server, and one kept connection on which it is asked for figures."""

    scheme = "http"

    def __init__(self, child, port, figures_port):
        self.child = child
        self.port = port
        self.url = f"{self.scheme}://127.0.0.1:{port}"
        self._figures = http.client.HTTPConnection("127.0.0.1", figures_port, timeout=10)

    def __enter__(self):
        self.child.__enter__()
        try:
            wait_until(lambda: _answers(self._figures.port), "the server's port", 10, self.child)
        except BaseException:
            self.child.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._figures.close()
        self.child.__exit__(*exception)

    def _ask(self, path):
        self._figures.request("GET", path)
        return self._figures.getresponse().read().decode()


class Nginx(_Server):
    """One worker that returns a page of 34 bytes, by TLS if a Certificate is given."""

    def __init__(self, bench, certificate=None):
        directory = bench.new_directory("nginx")
        port, status_port = free_port(), free_port()
        tls = ""
        if certificate:
            self.scheme = "https"
            tls = f"ssl_certificate {certificate.cert}; ssl_certificate_key {certificate.key};"
        config = directory / "nginx.conf"
        config.write_text(_NGINX_CONF.format(
            dir=directory, port=port, status_port=status_port, page=PAGE,
            files=bench.open_files, ssl="ssl" if certificate else "", certificate=tls,
        ))
        command = [_program("nginx"), "-p", str(directory), "-c", str(config),
                   "-e", str(directory / "nginx-error.log")]
        super().__init__(Child(command, directory / "log"), port, status_port)
        self._asked = 0

    def __exit__(self, *exception):
        try:
            # The master ends its worker; killed, it would leave it behind.
            if self.child.process.poll() is None:
                self.child.stop(seconds=10)
        finally:
            super().__exit__(*exception)

    def _counters(self):
        self._asked += 1
        text = self._ask("/status")
        numbers = re.search(r"^ (\d+) (\d+) (\d+) $", text, re.MULTILINE)
        if not numbers:
            raise BenchError(f"nginx's stub_status is not understood: {text!r}")
        return map(int, numbers.groups())

    def requests(self):
        """Requests so far, the driver's own left out."""
        _accepted, _handled, requests = self._counters()
        return requests - self._asked

    def accepted(self):
        """Connections accepted so far."""
        accepted, _handled, _requests = self._counters()
        return accepted


class TruthServer(_Server):
    """Answers after a delay, and knows how long each request really took."""

    def __init__(self, bench, delay_ms):
        if not os.access(bench.truth_server, os.X_OK):
            raise BenchError(f"{bench.truth_server} is not built (make bench/truth-server)")
        port = free_port()
        command = [str(bench.truth_server), "--port", str(port), "--delay-ms", str(delay_ms)]
        directory = bench.new_directory("truth-server")
        super().__init__(Child(command, directory / "log"), port, port)

    def report(self):
        return json.loads(self._ask("/report"))

    def requests(self):
        return self.report()["count"]


class Certificate:
    """A certificate for 127.0.0.1, and a file of authorities that has it."""

    def __init__(self, bench):
        directory = bench.new_directory("certificate")
        self.cert = directory / "cert.pem"
        self.key = directory / "key.pem"
        self.authorities = directory / "authorities.pem"
        command = [
            _program("openssl"), "req", "-x509", "-nodes", "-days", "2",
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(self.key), "-out", str(self.cert),
        ]
        made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if made.returncode:
            raise BenchError(f"openssl could not make a certificate: {made.stderr}")
        # Among as many others as the machine has: that is what users check
        # against, and loading them is what costs.
        system = ssl.get_default_verify_paths().cafile
        others = ""
        if system:
            with open(system, encoding="utf-8") as file:
                others = file.read()
        self.authorities.write_text(others + self.cert.read_text())


def _program(name):
    # Debian keeps daemons where only root's PATH looks.
    path = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if not path:
        raise BenchError(f"{name} is not installed")
    return path
