"""The truth server itself: its delay is exact and its figures are right."""

import http.client
import json
import signal
import socket
import time

from serving import Server, read_line


def test_delay_and_report(truth_server):
    connection = http.client.HTTPConnection(*truth_server.address, timeout=10)
    took = []
    for _ in range(30):
        start = time.monotonic()
        connection.request("GET", "/anything")
        body = connection.getresponse().read()
        took.append(time.monotonic() - start)
        assert len(body) == 34
    connection.close()
    report = truth_server.json("/report")
    assert report["count"] == 30
    assert 10 <= report["min_ms"] <= report["p50_ms"] <= report["p99_ms"] <= report["max_ms"]
    assert report["min_ms"] < 11
    assert report["max_ms"] <= max(took) * 1000, "it claims more than the client saw"


def test_concurrent_requests_do_not_wait_for_each_other(truth_server):
    sockets = [socket.create_connection(truth_server.address, timeout=10) for _ in range(500)]
    start = time.monotonic()
    for s in sockets:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
    for s in sockets:
        assert s.recv(200).endswith(b"ok\n")
        s.close()
    assert time.monotonic() - start < 2.5, "500 times 10 ms one after the other would be 5 s"
    assert truth_server.json("/report")["count"] == 500


def test_pipelined_requests_each_take_their_time(truth_server):
    with socket.create_connection(truth_server.address, timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n" * 3)
        received = b""
        while received.count(b"ok\n") < 3:
            received += s.recv(1000)
    assert truth_server.json("/report")["count"] == 3


def test_reset_forgets(truth_server):
    connection = http.client.HTTPConnection(*truth_server.address, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
    assert truth_server.json("/report")["count"] == 1
    truth_server.json("/reset")
    assert truth_server.json("/report") == {
        "count": 0, "p50_ms": 0, "p99_ms": 0, "min_ms": 0, "max_ms": 0}


def test_sigusr1_prints_the_report(truth_server):
    connection = http.client.HTTPConnection(*truth_server.address, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
    truth_server.process.send_signal(signal.SIGUSR1)
    report = json.loads(read_line(truth_server.process.stdout, time.monotonic() + 10))
    assert report["count"] == 1


def test_no_delay():
    with Server("truth-server", "--delay-ms", 0) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=10)
        for _ in range(1000):
            connection.request("GET", "/")
            connection.getresponse().read()
        connection.close()
        report = server.json("/report")
        assert report["count"] == 1000
        assert report["p50_ms"] < 1
