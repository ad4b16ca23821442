"""MQTT, with paho-mqtt, whose network loop runs in a thread, and mosquitto."""

import threading

import pytest
from programs import Directory, Program, free_port, program
from users import USERS, all_at_once

mqtt = pytest.importorskip("paho.mqtt.client")


def new_client(name):
    """Of paho-mqtt 1 or 2."""
    if hasattr(mqtt, "CallbackAPIVersion"):
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id=name)
    return mqtt.Client(client_id=name)


@pytest.fixture(scope="module")
def port():
    broker, port = program("mosquitto"), free_port()
    with Directory() as directory:
        file = directory / "mosquitto.conf"
        file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\n")
        with Program([broker, "-c", file], port, directory):
            yield port


def test_users_who_publish_and_subscribe(port):
    def use(n):
        got, subscribed, arrived = [], threading.Event(), threading.Event()
        client = new_client(f"user{n}")
        client.on_connect = lambda client, *rest: client.subscribe(f"user/{n}", qos=1)
        client.on_subscribe = lambda *args: subscribed.set()
        client.on_message = lambda client, data, message: (got.append(message.payload), len(got) == 3 and arrived.set())
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert subscribed.wait(30)
        for message in range(3):
            client.publish(f"user/{n}", f"{n}:{message}", qos=1)
        assert arrived.wait(30)
        client.disconnect()
        client.loop_stop()
        return got

    assert all_at_once(use) == [[b"%d:%d" % (n, message) for message in range(3)] for n in range(USERS)]
