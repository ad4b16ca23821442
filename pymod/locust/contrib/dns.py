"""Users of name servers. Needs dnspython."""

from __future__ import annotations

import time

import dns.query
from dns.exception import DNSException

from ..exception import LocustError
from ..user.users import User
from ._measure import Stopwatch

__all__ = ["DNSClient", "DNSUser"]


class DNSClient:
    """The functions of dns.query: client.udp(message, "127.0.0.1"). Calls are requests of type DNS.

    Each takes name=, under which it is counted; otherwise that is the function's name.
    """

    def __init__(self, request_event):
        self.request_event = request_event

    def __getattr__(self, function_name):
        function = getattr(dns.query, function_name)

        def query(message, *args, name=None, **kwargs):
            response = exception = None
            start_time, watch = time.time(), Stopwatch()
            try:
                response = function(message, *args, **kwargs)
                if not response.answer:
                    exception = LocustError("No answer in DNS response")
            except DNSException as e:
                exception = e
            self.request_event.fire(
                request_type="DNS",
                name=name or function_name,
                start_time=start_time,
                response_time=watch.milliseconds(),
                response_length=0,
                response=response,
                context={},
                exception=exception,
            )
            return response

        return query


class DNSUser(User):
    """Has a DNSClient: self.client.udp(dns.message.make_query("example.com", "A"), "127.0.0.1")."""

    abstract = True

    def __init__(self, environment):
        super().__init__(environment)
        self.client = DNSClient(environment.events.request)
