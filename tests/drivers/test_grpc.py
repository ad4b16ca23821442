"""gRPC, with a server in plain Python."""

import os
import time

import pytest
from test_websockets import child
from users import USERS, all_at_once

if os.environ.get("LOCUST_SANITIZERS"):
    pytest.skip("gRPC's core does not run under our sanitizers", allow_module_level=True)
grpc = pytest.importorskip("grpc")
WAIT = 0.2

SERVER = """
import time
from concurrent import futures
import grpc

def slow(request, context):
    time.sleep(0.2)
    return b"slow " + request

def stream(request, context):
    for n in range(3):
        time.sleep(0.01)
        yield b"%d" % n

def both(requests, context):
    yield from requests

kinds = {
    "Slow": grpc.unary_unary_rpc_method_handler(slow),
    "Stream": grpc.unary_stream_rpc_method_handler(stream),
    "Both": grpc.stream_stream_rpc_method_handler(both),
    "All": grpc.stream_unary_rpc_method_handler(lambda requests, context: b"".join(requests)),
}
server = grpc.server(futures.ThreadPoolExecutor(100))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("S", kinds),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
"""


@pytest.fixture(scope="module")
def target():
    process, port = child(SERVER)
    yield f"127.0.0.1:{port}"
    process.kill()
    process.wait()
    process.stdout.close()


def requests():
    """What a client streams: it takes its time."""
    for n in range(3):
        time.sleep(0.01)
        yield b"%d" % n


@pytest.mark.parametrize("gevent", [False, True])
def test_all_kinds_of_call(target, gevent):
    if gevent:
        from grpc.experimental.gevent import init_gevent

        init_gevent()

    def use(n):
        with grpc.insecure_channel(target) as channel:
            one = channel.unary_unary("/S/Slow")(b"%d" % n)
            stream = list(channel.unary_stream("/S/Stream")(b""))
            both = list(channel.stream_stream("/S/Both")(requests()))
            every = channel.stream_unary("/S/All")(requests())
            with pytest.raises(grpc.RpcError) as late:
                channel.unary_unary("/S/Slow")(b"", timeout=0.01)
            future = channel.unary_unary("/S/Slow").future(b"later").result()
            return one, stream, both, every, late.value.code(), future

    several = [b"0", b"1", b"2"]
    late = grpc.StatusCode.DEADLINE_EXCEEDED
    assert all_at_once(use, wait=2 * WAIT) == [(b"slow %d" % n, several, several, b"012", late, b"slow later") for n in range(USERS)]


def test_a_channel_that_all_share_and_its_state(target):
    with grpc.insecure_channel(target) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        assert all_at_once(lambda n: channel.unary_unary("/S/Slow")(b"%d" % n), wait=WAIT) == [b"slow %d" % n for n in range(USERS)]
