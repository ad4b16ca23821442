"""rest() and rest_(): requests whose replies are JSON, for users with an HTTP client."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import contextmanager

__all__ = ["RestMixin"]


class RestMixin:
    """Gives a user with a client rest() and rest_()."""

    _callstack_regex = re.compile(r'  File "(\/.[^"]*)", line (\d*),(.*)')
    """The lines of a traceback that tell a place in a file: its name, the number, the rest."""

    @contextmanager
    def rest(self, method, url, headers=None, **kwargs):
        """Makes a request; the block gets the reply with ``js``, its parsed body.

        Type and accepted type are JSON unless the headers say otherwise. A body that is no JSON,
        and any exception in the block, make the request a failure. js is None without a body.
        """
        headers = dict(headers) if headers else {}
        for name in ("Content-Type", "Accept"):
            if name not in headers and name.lower() not in headers:
                headers[name] = "application/json"
        with self.client.request(
            method, url, catch_response=True, headers=headers, **kwargs
        ) as response:
            _parse(response)
            try:
                yield response
            except AssertionError as error:
                response.failure(_failed_assertion(error, response))
            except Exception as error:
                places = ", ".join(self._places(traceback.format_exc()))
                response.failure(
                    f"{type(error).__name__}: {error} at {places}. "
                    f"Response was {_beginning(response)}"
                )

    @contextmanager
    def rest_(self, method, url, name=None, **kwargs):
        """rest() with the time as parameter ``_``, which no cache knows; the name leaves it out."""
        separator = "&" if "?" in url else "?"
        if name is None:
            name = f"{url}{separator}_=..."
        timed = f"{url}{separator}_={int(time.time() * 1000)}"
        with self.rest(method, timed, name=name, **kwargs) as response:
            yield response

    def _places(self, text: str):
        """The places of a traceback, one after the other: file:line in function."""
        for line in text.split("\n"):
            match = self._callstack_regex.match(line)
            if match:
                file = re.sub(r"/((home|Users)/\w*)/", "~/", match.group(1))
                yield f"{file}:{match.group(2)}{match.group(3)}"


def _parse(response) -> None:
    """Sets js; a body that is no JSON is a failure."""
    response.js = None
    if response.content is None:
        response.failure(str(response.error))
    elif response.text:
        try:
            response.js = response.json()
        except ValueError as error:
            response.failure(
                f"Could not parse response as JSON. {response.text[:250]}, "
                f"response code {response.status_code}, error {error}"
            )


def _beginning(response):
    return response.text[:200] if response.text else response.text


def _failed_assertion(error: AssertionError, response) -> str:
    """What the assertion says; with a comma at its end, and the reply's beginning."""
    if not error.args:
        return "Assertion failed"
    if error.args[0].endswith(","):
        return f"{error.args[0][:-1]}, response was {_beginning(response)}"
    return error.args[0]
