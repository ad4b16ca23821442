"""Makes the calls of the differential tests with the HttpSession of whichever Locust this Python has, and prints what
became of each as JSON. Run as: python3 differential_client.py URL
"""

import locust  # isort: skip  # noqa: F401  # before ssl, which it patches

import json
import re
import sys

import http_pair
import urllib3.filepost

EVENT = ("request_type", "name", "response_length", "exception", "context", "url")


def told(calls, base):
    """{name: what can be seen} of all calls."""
    outcomes = {}
    for name, call in calls.items():
        events = []
        original = http_pair.Events

        class Events(original):
            def __init__(self):
                super().__init__()
                events.append(self)

        http_pair.Events = Events
        try:
            outcome = http_pair.our_outcome(call, base)
        except AssertionError as e:
            outcome = {"asserted": str(e)}
        finally:
            http_pair.Events = original
        outcome["events"] = [{key: event[key] for key in EVENT} for event in events[0]]
        outcomes[name] = {key: plain(value, base) for key, value in outcome.items()}
    return outcomes


def plain(value, base):
    """Anything as text that is the same with another server, port and run."""
    text = re.sub(r"0x[0-9a-f]+", "0x", repr(value))
    return text.replace(base, "BASE").replace(base.rpartition(":")[2], "PORT")


def main():
    urllib3.filepost.choose_boundary = lambda: "boundary"
    import test_client_differential
    import test_client_machinery

    calls = {**test_client_differential.CALLS, **test_client_machinery.SAME}
    json.dump(told(calls, sys.argv[1]), sys.stdout)


if __name__ == "__main__":
    main()
