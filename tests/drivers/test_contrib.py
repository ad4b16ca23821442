"""The users below locust.contrib, with their servers; where there are none, with a module in the driver's place."""

import importlib
import sys
import time
import types

import pytest
from test_dns import port as name_server  # noqa: F401  a fixture
from test_mqtt import port as broker  # noqa: F401
from test_postgres import where  # noqa: F401
from test_socketio import url  # noqa: F401
from users import all_at_once

from locust.env import Environment

USERS = 10


class Requests(list):
    """What an environment's requests were: (type, name, failed)."""

    def __init__(self, environment):
        super().__init__()
        self.whole = []
        environment.events.request.add_listener(self.listen)

    def listen(self, request_type, name, exception=None, **more):
        """Keeps one."""
        self.append((request_type, name, exception is not None))
        self.whole.append({"exception": exception, **more})


@pytest.fixture
def environment():
    return Environment(user_classes=[])


@pytest.fixture
def requests(environment):
    return Requests(environment)


def test_postgres(environment, requests, where):  # noqa: F811
    pytest.importorskip("psycopg")
    from locust.contrib.postgres import PostgresUser

    class Reader(PostgresUser):
        conn_string = where

    def use(n):
        user = Reader(environment)
        user.client.execute_query("SELECT pg_sleep(0.2)")
        user.client.execute_query("SELECT nothing FROM nowhere")
        user.on_stop()

    all_at_once(use, USERS, wait=0.2)
    assert sorted(requests) == [
        *[("postgres_failure", "execute_query", True)] * USERS,
        *[("postgres_success", "execute_query", False)] * USERS,
    ]


def test_dns(environment, requests, name_server):  # noqa: F811
    message = pytest.importorskip("dns.message")
    from locust.contrib.dns import DNSUser

    def use(n):
        user = DNSUser(environment)
        query = message.make_query(f"user{n}.example", "A")
        assert user.client.udp(query, "127.0.0.1", port=name_server).answer[0][0].address == f"127.0.0.{n + 1}"
        assert user.client.tcp(query, "127.0.0.1", port=name_server, name="by TCP").answer
        assert user.client.udp(query, "127.0.0.1", port=name_server, timeout=0.001) is None

    all_at_once(use, USERS, wait=0.4)
    assert sorted(requests) == [("DNS", "by TCP", False)] * USERS + [("DNS", "udp", False)] * USERS + [("DNS", "udp", True)] * USERS
    assert all(request["response_time"] >= 190 for request in requests.whole if request["response"])


def test_mqtt(environment, requests, broker):  # noqa: F811
    from locust.contrib.mqtt import MqttUser

    class Talker(MqttUser):
        host, port = "127.0.0.1", broker

    def wait_for(client, n, count):
        while len([r for r in requests.whole if r["context"]["client_id"] == client.client_id]) < count:
            time.sleep(0.005)

    def use(n):
        user = Talker(environment)
        wait_for(user.client, n, 1)
        user.client.subscribe(f"topic/{n}", qos=1)
        wait_for(user.client, n, 2)
        for qos in 0, 1, 2:
            user.client.publish("all", "text", qos=qos)
        wait_for(user.client, n, 5)
        user.client.disconnect()
        wait_for(user.client, n, 6)
        user.client.loop_stop()
        assert user.client.publish("all", 5).rc != 0
        return user.client.client_id

    ids = all_at_once(use, USERS)
    assert len({*ids}) == USERS and all(len(i) == 23 and i.startswith("locust-") for i in ids)
    expected = [("connect", False), ("disconnect", False), ("publish:0:all", False), ("publish:0:all", True)]
    expected += [("publish:1:all", False), ("publish:2:all", False)]
    subscriptions = [("MQTT", f"subscribe:1:topic/{n}", False) for n in range(USERS)]
    assert sorted(requests) == sorted([("MQTT", *what) for what in expected] * USERS + subscriptions)
    sizes = {r["context"].get("payload_size"): r["response_length"] for r in requests.whole if r["exception"] is None}
    assert sizes == {None: 0, 4: 4}


def test_mqtt_without_a_broker(environment, requests):
    pytest.importorskip("paho.mqtt.client")
    from locust.contrib import mqtt

    client = mqtt.MqttClient(environment=environment, client_id="mine")
    assert client.publish("t", b"xy", qos=1).rc == mqtt.mqtt.MQTT_ERR_NO_CONN and client.subscribe("t")[1] is None
    client._subscribe_requests[7] = mqtt._Subscription(1, "t", 0)
    client._report_subscribe(client, None, 7, [mqtt.SUBACK_FAILURE])
    client._report_connect(client, None, {}, 5)
    client._report_disconnect(client, None, 7)
    client._report_disconnect(client, None, "flags", 0, "properties")
    assert requests == [
        ("MQTT", "publish:1:t", True),
        ("MQTT", "subscribe:0:t", True),
        ("MQTT", "subscribe:1:t", True),
        ("MQTT", "connect", True),
        ("MQTT", "disconnect", True),
        ("MQTT", "disconnect", False),
    ]


def test_socketio(environment, requests, url):  # noqa: F811
    from locust.contrib.socketio import SocketIOUser

    class Talker(SocketIOUser):
        options = {"reconnection": False}

    def use(n):
        user = Talker(environment)
        user.sio.connect(url, wait_timeout=30)
        assert user.sio.call("ask", n, timeout=30) == n + 1
        user.sio.send("text", name="mine")
        user.sio.disconnect()
        user.sio.send("too late")
        user.sio_greenlet.kill()

    all_at_once(use, USERS, wait=0.2)
    kinds = {(kind, name, failed) for kind, name, failed in requests}
    assert kinds >= {("WS", "connect", False), ("WSC", "ask", False), ("WSS", "mine", False), ("WSR", "told", False)}
    assert ("WSE", "message", True) in kinds


def test_mongodb_without_a_server(environment, requests):
    pytest.importorskip("pymongo")
    from programs import free_port

    from locust.contrib.mongodb import MongoDBUser

    class Reader(MongoDBUser):
        conn_string = f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=200"
        db_name = "db"

    def use(n):
        user = Reader(environment)
        user.client.execute_query("things", {"n": n})
        user.on_stop()

    all_at_once(use, USERS, wait=0.2)
    assert requests == [("MONGODB", "QUERY", True)] * USERS and all(r["response_time"] >= 190 for r in requests.whole)


# --- Drivers that Debian does not have.


@pytest.fixture
def module(monkeypatch):
    """module("name", attribute=...) stands for a driver."""

    def make(name, **attributes):
        new = types.ModuleType(name)
        vars(new).update(attributes)
        monkeypatch.setitem(sys.modules, name, new)

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        loaded = importlib.import_module(name)
        monkeypatch.delitem(sys.modules, name)
        return loaded

    make.load = load
    return make


class Fake:
    """A client that remembers how it was called, and answers with what it was told."""

    answers = {}
    calls = []

    def __init__(self, **kwargs):
        self.made_with = kwargs

    def __getattr__(self, name):
        def call(**kwargs):
            Fake.calls.append((name, kwargs))
            answer = Fake.answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture
def fake():
    Fake.answers, Fake.calls = {}, []
    return Fake


def test_qdrant(environment, requests, module, fake):
    module("qdrant_client", QdrantClient=fake)
    qdrant = module.load("locust.contrib.qdrant")

    class Searcher(qdrant.QdrantUser):
        collection_name, vectors_config, collection_kwargs = "c", {"size": 3}, {"shards": 2}

    pytest.raises(ValueError, qdrant.QdrantUser, environment)
    user = Searcher(environment)
    assert user.client.client.made_with == {"url": "http://localhost:6333", "api_key": None, "timeout": 60}
    assert fake.calls[1] == ("create_collection", {"collection_name": "c", "vectors_config": {"size": 3}, "shards": 2})
    fake.answers.update(query_points=types.SimpleNamespace(points=[]), scroll=([1, 2], "next"), delete=ValueError("no"))
    assert user.upsert([1])["success"] is True
    found = user.search([0.1], limit=5)
    assert (found["success"], found["empty"]) == (False, True) and found["response_time"] >= 0
    rest = user.scroll()
    assert (rest["success"], rest["result"], rest["next_offset"]) == (True, [1, 2], "next")
    failed = user.delete([1])
    assert failed["success"] is False and "result" not in failed and str(failed["exception"]) == "no"
    user.on_stop()
    assert requests == [("qdrant", name, name == "delete") for name in ("upsert", "search", "scroll", "delete")]


def test_milvus(environment, requests, module, fake):
    module("pymilvus", MilvusClient=fake)
    milvus = module.load("locust.contrib.milvus")
    pytest.raises(ValueError, milvus.MilvusUser, environment, uri=None)
    user = milvus.MilvusUser(environment, collection_name="c", schema="s", index_params="i", num_shards=2)
    assert user.client.client.made_with == {"uri": "http://localhost:19530", "token": "root:Milvus", "db_name": "default", "timeout": 60}
    assert fake.calls == [("create_collection", {"collection_name": "c", "schema": "s", "index_params": "i", "num_shards": 2})]
    fake.answers.update(search=[[{"id": 1}, {"id": 2}, {"id": 9}]], query=[], hybrid_search=[[]], delete=ValueError("no"))
    assert user.insert([1])["success"] and user.upsert([1])["success"]
    found = user.search([[0.1]], "vector", 3, calculate_recall=True, ground_truth=[1, 2, 3, 4])
    assert found["success"] and found["recall"] == pytest.approx(2 / 3)
    assert fake.calls[-1][1]["output_fields"] == ["id"]
    assert not user.query("x > 1")["success"] and user.hybrid_search([], None, 3)["empty"] and user.delete("x")["exception"]
    user.on_stop()
    names = ["insert", "upsert", "search", "recall", "query", "hybrid_search", "delete"]
    assert requests == [("milvus", name, name == "delete") for name in names]
    assert requests.whole[3]["response_time"] == 66
    recall = milvus.MilvusV2Client.get_recall
    assert [recall([[{"id": 1}]], [1]), recall([[{"id": 1}]], [], 1), recall([], [1]), recall(5, 5)] == [1.0, 0.0, 0.0, 0.0]


def test_openai(environment, requests, module, monkeypatch):
    class StatusError(Exception):
        """httpx's."""

    class OpenAI:
        """Remembers the HTTP client that it was given."""

        def __init__(self, *args, http_client, **kwargs):
            self.http_client = http_client

    class Reply:
        """One of httpx's."""

        def __init__(self, status, body):
            self.request = types.SimpleNamespace(method="POST")
            self.url = types.SimpleNamespace(path="/v1/responses")
            self.status, self.body = status, body

        def read(self):
            """All of it is there."""

        def raise_for_status(self):
            """By the status."""
            if self.status >= 400:
                raise StatusError(self.status)

        def json(self):
            """The body."""
            return self.body

    module("httpx", Client=lambda event_hooks: event_hooks, HTTPStatusError=StatusError)
    module("openai", OpenAI=OpenAI)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(Exception, match="OPENAI_API_KEY"):
        module.load("locust.contrib.oai")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    user = module.load("locust.contrib.oai").OpenAIUser(environment)
    hooks = user.client.http_client

    def ask(status, body):
        reply = Reply(status, body)
        hooks["request"][0](reply.request)
        hooks["response"][0](reply)

    ask(200, {"usage": {"output_tokens": 7}})
    with user.client.rename_request("mine"):
        ask(500, {})
    assert requests == [("POST", "/v1/responses", False), ("POST", "mine", True)]
    assert [r["response_length"] for r in requests.whole] == [7, 0] and user.client.request_name is None
