"""Messages between nodes: how they are written and read, and what is missing until there are nodes."""

import datetime
import os
import subprocess
import sys
import types

import both
import pytest

import locust.rpc
from locust.rpc import Message, protocol, zmqrpc

pytest.importorskip("msgpack")

VALUES = [
    None,
    {"a": [1, 2.5, True], 7: "int key", "nested": {"b": b"bytes"}},
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678),
    "ümlaut",
    [],
]


@pytest.mark.parametrize("value", VALUES)
def test_there_and_back(value):
    message = Message.unserialize(Message("spawn", value, "node_1").serialize())
    assert type(message) is Message
    assert (message.type, message.data, message.node_id) == ("spawn", value, "node_1")
    assert repr(message) == "<Message spawn:node_1>"


def test_bytes():
    assert Message("x", {"a": 1}, None).serialize() == b"\x93\xa1x\x81\xa1a\x01\xc0"
    subclass = type("Mine", (Message,), {})
    assert type(subclass.unserialize(b"\x93\xa1x\x81\xa1a\x01\xc0")) is subclass


def test_tags():
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
    tagged = {"__datetime__": True, "as_str": "20260102T03:04:05.000678"}
    assert protocol.encode(moment) == tagged and protocol.decode(tagged) == moment
    plain = {"a": 1}
    assert protocol.decode(plain) is plain and protocol.encode(5) == 5
    with pytest.raises(TypeError):
        Message("x", object(), None).serialize()


def test_object_ids(monkeypatch):
    class ObjectId:
        def __init__(self, text):
            self.text = text

        def __str__(self):
            return self.text

    monkeypatch.setitem(sys.modules, "bson", types.SimpleNamespace(ObjectId=ObjectId))
    message = Message.unserialize(Message("x", [ObjectId("5f")], None).serialize())
    assert isinstance(message.data[0], ObjectId) and message.data[0].text == "5f"
    assert protocol.encode(ObjectId("5f")) == {"__ObjectId__": True, "as_str": "5f"}
    monkeypatch.setitem(sys.modules, "bson", None)
    with pytest.raises(ImportError, match="pip install pymongo"):
        protocol.decode({"__ObjectId__": True, "as_str": "5f"})


def test_without_msgpack(monkeypatch):
    monkeypatch.setitem(sys.modules, "msgpack", None)
    for use in (Message("x", None, None).serialize, lambda: Message.unserialize(b"")):
        with pytest.raises(ImportError, match="apt install python3-msgpack"):
            use()


def test_nothing_is_imported_before_it_is_needed():
    code = "import sys, locust.rpc.zmqrpc; print({'msgpack', 'zmq', 'bson'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_sockets_say_that_they_are_missing():
    assert locust.rpc.rpc is zmqrpc
    for make in (
        lambda: zmqrpc.Server("*", 0),
        lambda: zmqrpc.Client("127.0.0.1", 5557, "me"),
        lambda: zmqrpc.BaseSocket(1, False),
    ):
        with pytest.raises(NotImplementedError, match="Distributed runs are not built yet"):
            make()


@both.needs_reference
def test_same_bytes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import datetime\nfrom locust.rpc import Message\n"
        f"for value in {VALUES!r}:\n    print(Message('spawn', value, 'node_1').serialize())\n"
    )
    assert both.output(script) == both.output(script, python=both.REFERENCE)
