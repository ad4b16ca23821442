"""Users of OpenAI's API. Needs openai, and OPENAI_API_KEY in the environment.

Not openai.py: that would hide the package.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager

if "OPENAI_API_KEY" not in os.environ:
    raise Exception("The environment variable OPENAI_API_KEY is not set: OpenAIUser needs it")

import httpx  # noqa: E402
from openai import OpenAI  # noqa: E402

from ..user.users import User  # noqa: E402

__all__ = ["OpenAIClient", "OpenAIUser"]


def _output_tokens(response) -> int:
    """What stands for the length of a reply: the number of tokens that were made."""
    try:
        return response.json().get("usage", {}).get("output_tokens", 0)
    except (AttributeError, ValueError):
        return 0


class OpenAIClient(OpenAI):
    """A client whose HTTP requests are counted, by method and path."""

    def __init__(self, request_event, user, *args, **kwargs):
        self.request_name: str | None = None
        self.user = user
        self._request_event = request_event
        hooks = {"request": [self._begin], "response": [self._end]}
        super().__init__(*args, **kwargs, http_client=httpx.Client(event_hooks=hooks))

    @staticmethod
    def _begin(request) -> None:
        request.start_time = time.time()
        request.start_perf_counter = time.perf_counter()

    def _end(self, response) -> None:
        response.read()
        request, exception = response.request, None
        response_time = (time.perf_counter() - request.start_perf_counter) * 1000
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as e:
            exception = e
        self._request_event.fire(
            request_type=request.method,
            name=self.request_name or response.url.path,
            context={},
            response=response,
            exception=exception,
            start_time=request.start_time,
            response_time=response_time,
            response_length=_output_tokens(response),
            url=response.url,
        )

    @contextmanager
    def rename_request(self, name: str):
        """Requests in the block are counted under this name."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None


class OpenAIUser(User):
    """Has a client, self.client."""

    abstract = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.client = OpenAIClient(self.environment.events.request, user=self)
