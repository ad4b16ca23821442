"""One call made twice: by requests.Session and by our HttpSession, and all that can be seen of it."""

import datetime
import re

import requests
import urllib3.exceptions

from locust.clients import HttpSession
from locust.event import EventHook


class Events(list):
    """The requests that a session has reported."""

    def __init__(self):
        super().__init__()
        self.hook = EventHook()
        self.hook.add_listener(lambda **kwargs: self.append(kwargs))

    @property
    def exceptions(self):
        return [event["exception"] for event in self]


def ours(base="http://127.0.0.1", events=None):
    """An HttpSession without a user, which the environment does not change."""
    session = HttpSession(base, EventHook() if events is None else events.hook, None)
    session.trust_env = False
    return session


def theirs():
    session = requests.Session()
    session.trust_env = False
    return session


def jar(cookies):
    return sorted(
        (c.domain, c.path, c.name, c.value, c.secure, c.domain_specified, c.path_specified,
         c.expires is not None, c.has_nonstandard_attr("HttpOnly"))
        for c in cookies
    )


def seen_of_request(request):
    body = request.body
    return {
        "method": request.method,
        "url": request.url,
        "headers": list(request.headers.items()),
        "body": type(body) if hasattr(body, "read") or hasattr(body, "__next__") else body,
    }


def seen_of_response(response):
    """Everything that a locustfile may look at."""
    assert isinstance(response.elapsed, datetime.timedelta)
    small = len(response.content) < 100_000
    return {
        "status": response.status_code,
        "reason": response.reason,
        "ok": response.ok,
        "truth": bool(response),
        "url": response.url,
        "headers": list(response.headers.items()),
        "cookies": jar(response.cookies),
        "encoding": response.encoding,
        "apparent_encoding": small and response.apparent_encoding,
        "text": response.text,
        "content": response.content,
        "elapsed": response.elapsed > datetime.timedelta(0),
        "history": [seen_of_hop(hop) for hop in response.history],
        "redirect": (response.is_redirect, response.is_permanent_redirect),
        "links": response.links,
        "request": seen_of_request(response.request),
        "lines": small and list(response.iter_lines()),
        "repr": repr(response),
        "raised": raised_by(response.raise_for_status),
    }


def seen_of_hop(hop):
    return {
        "status": hop.status_code,
        "url": hop.url,
        "headers": list(hop.headers.items()),
        "cookies": jar(hop.cookies),
        "content": hop.content,
        "history": len(hop.history),
        "request": seen_of_request(hop.request),
    }


def raised_by(function):
    """(class, text) of what a call raises, or None."""
    try:
        function()
    except Exception as e:
        return type(e).__name__, str(e)
    return None


def unwrapped(error):
    """What Locust's statistics call a failure of requests: the cause behind the wrapping."""
    outer = (requests.exceptions.ConnectionError, urllib3.exceptions.ProtocolError,
             urllib3.exceptions.MaxRetryError, urllib3.exceptions.NewConnectionError)
    while isinstance(error, outer) and error.__context__ is not None:
        error = error.__context__
    return error


def failed(error, cause):
    """What an error says, wherever its objects are, and the cause."""
    return type(error).__name__, re.sub("0x[0-9a-f]+", "0x", repr(error)), repr(cause)


# What HttpSession lets through to the task.
LET_THROUGH = (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL)


def their_outcome(call, base):
    """What requests makes of a call, told as HttpSession is to tell it."""
    with theirs() as session:
        try:
            response = call(session, base)
        except LET_THROUGH as e:
            return {"raised": (type(e).__name__, str(e))}
        except requests.RequestException as e:
            return {"failed": failed(e, unwrapped(e)), "jar": jar(session.cookies)}
        except Exception as e:
            return {"raised": (type(e).__name__, str(e))}
        return {**seen_of_response(response), "jar": jar(session.cookies)}


def our_outcome(call, base):
    events = Events()
    session = ours(base, events)
    try:
        response = call(session, base)
    except Exception as e:
        assert not events, "it raised, and reported besides"
        return {"raised": (type(e).__name__, str(e))}
    assert events and events[-1]["response"] is response
    if response.error is not None:
        assert len(events) == 1
        return {"failed": failed(response.error, events[-1]["exception"]), "jar": jar(session.cookies)}
    return {**seen_of_response(response), "jar": jar(session.cookies)}
