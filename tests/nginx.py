"""An nginx of a test's own: https with HTTP/2, http with HTTP/2 that nobody asked for, and a unix socket."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time

_CONFIGURATION = """\
daemon off;
master_process off;
pid {dir}/pid;
error_log {dir}/errors;
events {{ worker_connections 500; }}
http {{
    log_format seen '$connection $server_protocol $request_method $request_uri';
    access_log {dir}/seen seen;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_max_body_size 0;
    root {dir}/files;
    server {{
        listen 127.0.0.1:{tls} ssl http2;
        listen 127.0.0.1:{plain} http2;
        listen unix:{dir}/socket;
        ssl_certificate {certificate.cert};
        ssl_certificate_key {certificate.key};
        location = /ok {{ return 200 'ok'; }}
        location = /hop {{ return 302 /ok; }}
        location = /slow {{ limit_rate 20000; try_files /bytes =404; }}
    }}
}}
"""


def program():
    """Where nginx is, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


class Nginx:
    """As a context manager. `secure` and `plain` are its URLs, `socket` is the path of its socket; the directory
    `files` is what it serves."""

    def __init__(self, directory, certificate):
        self.directory = directory
        self.certificate = certificate
        self.files = directory / "files"
        self.socket = directory / "socket"

    def __enter__(self):
        self.files.mkdir(parents=True)
        tls, plain = _free_ports(2)
        self.secure, self.plain = f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}"
        configuration = self.directory / "conf"
        configuration.write_text(_CONFIGURATION.format(
            dir=self.directory, tls=tls, plain=plain, certificate=self.certificate))
        self.process = subprocess.Popen(
            [program(), "-p", self.directory, "-c", configuration, "-e", self.directory / "errors"],
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", tls), timeout=5):
                return self
            time.sleep(0.02)
        raise RuntimeError((self.directory / "errors").read_text())

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def seen(self):
        """What was asked, as [(connection, protocol, method, path)]."""
        return [tuple(line.split(" ")) for line in (self.directory / "seen").read_text().splitlines()]
