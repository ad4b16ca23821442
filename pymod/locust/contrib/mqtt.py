"""Users of MQTT. Needs paho-mqtt, 1 or 2."""

from __future__ import annotations

import random
import string
import time
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt

from ..user.users import User

__all__ = ["REQUEST_TYPE", "SUBACK_FAILURE", "MqttClient", "MqttUser", "PublishedMessageContext"]

SUBACK_FAILURE = 0x80
"""What a broker says of a subscription that it refuses (MQTT 3.1.1, 3.9.3)."""

REQUEST_TYPE = "MQTT"

_ID_CHARACTERS = string.digits + string.ascii_lowercase + string.ascii_uppercase


def _generate_random_id(length: int, alphabet: str = _ID_CHARACTERS) -> str:
    return "".join(random.choice(alphabet) for _ in range(length))


def _generate_mqtt_event_name(event_type: str, qos: int, topic: str) -> str:
    return f"{event_type}:{qos}:{topic}"


class PublishedMessageContext(NamedTuple):
    """What is known of a message that is under way."""

    qos: int
    topic: str
    start_time: float
    payload_size: int


class _Subscription(NamedTuple):
    qos: int
    topic: str
    start_time: float


def _size(payload) -> int:
    return len(payload) if payload and not isinstance(payload, (int, float)) else 0


class MqttClient(mqtt.Client):
    """A client of paho's, whose messages and subscriptions are requests of type MQTT.

    They are timed up to the broker's acknowledgement, and named publish:QOS:TOPIC and
    subscribe:QOS:TOPIC; override _generate_event_name() to have other names. connect and disconnect
    are counted.
    """

    def __init__(
        self,
        *args,
        environment,
        client_id=None,
        protocol=mqtt.MQTTv311,
        use_loop_selectors=False,
        **kwargs,
    ):
        client_id = client_id or f"locust-{_generate_random_id(16)}"
        if hasattr(mqtt, "CallbackAPIVersion") and not args:
            kwargs.setdefault("callback_api_version", mqtt.CallbackAPIVersion.VERSION1)
        super().__init__(*args, client_id=client_id, protocol=protocol, **kwargs)
        self.environment = environment
        self.client_id = client_id
        self.on_connect = self._report_connect
        self.on_disconnect = self._report_disconnect
        self.on_publish = self._report_publish
        self.on_subscribe = self._report_subscribe
        self._publish_requests: dict[int, PublishedMessageContext] = {}
        self._subscribe_requests: dict[int, _Subscription] = {}
        self._acknowledged_early: dict[int, Any] = {}
        # select() has no limit here: either way will do.
        self._use_loop_selectors = use_loop_selectors

    def _generate_event_name(self, event_type: str, qos: int, topic: str) -> str:
        return _generate_mqtt_event_name(event_type, qos, topic)

    def _fire(self, name, response_time=0, response_length=0, exception=None, **context) -> None:
        self.environment.events.request.fire(
            request_type=REQUEST_TYPE,
            name=name,
            response_time=response_time,
            response_length=response_length,
            exception=exception,
            context={"client_id": self.client_id, **context},
        )

    # --- What paho calls. Its versions, and those of MQTT, differ in what comes after these.

    def _report_connect(self, client, userdata, flags, code, *_properties):
        self._fire("connect", exception=Exception(str(code)) if code != 0 else None)

    def _report_disconnect(self, client, userdata, *rest):
        code = rest[1] if len(rest) > 2 else rest[0]
        self._fire("disconnect", exception=code if code != 0 else None)

    def _report_publish(self, client, userdata, mid, *_rest):
        message = self._publish_requests.pop(mid, None)
        if message is None:
            self._acknowledged_early[mid] = time.time()
        else:
            self._fire_published(message, time.time())

    def _report_subscribe(self, client, userdata, mid, granted, *_properties):
        granted_qos = [getattr(code, "value", code) for code in granted]
        subscription = self._subscribe_requests.pop(mid, None)
        if subscription is None:
            self._acknowledged_early[mid] = time.time()
        else:
            self._fire_subscribed(subscription, time.time(), granted_qos)

    def _fire_published(self, message: PublishedMessageContext, end: float) -> None:
        name = self._generate_event_name("publish", message.qos, message.topic)
        time_taken = (end - message.start_time) * 1000
        self._fire(name, time_taken, message.payload_size, **message._asdict())

    def _fire_subscribed(self, subscription: _Subscription, end: float, granted_qos=()) -> None:
        name = self._generate_event_name("subscribe", subscription.qos, subscription.topic)
        error = None
        if SUBACK_FAILURE in granted_qos:
            text = f"Broker returned an error response during subscription: {granted_qos}"
            error = AssertionError(text)
        time_taken = (end - subscription.start_time) * 1000
        self._fire(name, time_taken, exception=error, **subscription._asdict())

    # --- What users call.

    def publish(self, topic, payload=None, qos=0, retain=False, properties=None):
        """As paho's."""
        message = PublishedMessageContext(qos, topic, time.time(), _size(payload))
        info = super().publish(topic, payload, qos, retain, properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            name = self._generate_event_name("publish", qos, topic)
            self._fire(name, exception=info.rc, **message._asdict())
        elif info.mid in self._acknowledged_early:
            self._fire_published(message, self._acknowledged_early.pop(info.mid))
        else:
            self._publish_requests[info.mid] = message
        return info

    def subscribe(self, topic, qos=0, options=None, properties=None):
        """As paho's; several topics at once are counted as the first of them."""
        first = topic if isinstance(topic, str) else topic[0][0]
        subscription = _Subscription(qos, first, time.time())
        result, mid = super().subscribe(topic, qos, options, properties)
        if result != mqtt.MQTT_ERR_SUCCESS:
            name = self._generate_event_name("subscribe", qos, subscription.topic)
            self._fire(name, exception=result, **subscription._asdict())
        elif mid is None or mid in self._acknowledged_early:
            end = self._acknowledged_early.pop(mid, None) or time.time()
            self._fire_subscribed(subscription, end)
        else:
            self._subscribe_requests[mid] = subscription
        return result, mid


class MqttUser(User):
    """Has a client that is connected in the background; its network loop runs in a green thread."""

    abstract = True

    host = "localhost"
    port = 1883
    transport = "tcp"
    ws_path = "/mqtt"
    tls_context = None
    client_cls: type[MqttClient] = MqttClient
    client_id: str | None = None
    username: str | None = None
    password: str | None = None
    protocol = mqtt.MQTTv311
    use_loop_selectors: bool = False

    def __init__(self, environment):
        super().__init__(environment)
        self.client: MqttClient = self.client_cls(
            environment=self.environment,
            transport=self.transport,
            client_id=self.client_id,
            protocol=self.protocol,
            use_loop_selectors=self.use_loop_selectors,
        )
        if self.tls_context:
            self.client.tls_set_context(self.tls_context)
        if self.transport == "websockets" and self.ws_path:
            self.client.ws_set_options(path=self.ws_path)
        if self.username and self.password:
            self.client.username_pw_set(username=self.username, password=self.password)
        self.client.connect_async(host=self.host, port=self.port)
        self.client.loop_start()
