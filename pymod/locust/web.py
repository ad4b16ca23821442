"""The web interface: names that locustfiles import. The interface itself is not built yet."""

import logging
from typing import Any, TypedDict

from .log import greenlet_exception_logger

__all__ = ["AuthArgs", "AuthProvider", "CustomForm", "InputField", "WebUI"]

logger = logging.getLogger(__name__)
greenlet_exception_handler = greenlet_exception_logger(logger)

DEFAULT_CACHE_TIME = 2.0
"""Seconds for which an answer about statistics is good."""

HOST_IS_REQUIRED = False
"""Whether a test can only be started from the form with a host."""


class InputField(TypedDict, total=False):
    """A field of a form on the login page."""

    label: str
    name: str
    type: str | None
    default_value: bool | None
    choices: list[str] | None
    is_multiple: bool | None
    is_secret: bool | None
    is_required: bool | None


class CustomForm(TypedDict, total=False):
    """A form on the login page."""

    inputs: list[InputField] | None
    callback_url: str
    submit_button_text: str | None


class AuthProvider(TypedDict, total=False):
    """A button of the login page that leads to somebody who knows the visitor."""

    label: str | None
    callback_url: str
    icon_url: str | None


class AuthArgs(TypedDict, total=False):
    """What the login page shows."""

    custom_form: CustomForm
    auth_providers: list[AuthProvider]
    username_password_callback: str
    error: str
    info: str


class WebUI:
    """The web interface of an environment."""

    app = None
    """Its Flask application."""

    greenlet = None
    """The green thread of its server."""

    server = None

    template_args: dict[str, Any]
    """What the page is made from."""

    auth_args: AuthArgs
    """What the login page is made from."""

    def __init__(
        self,
        environment,
        host: str,
        port: int,
        web_base_path: str | None = None,
        web_login: bool = False,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        stats_csv_writer=None,
        delayed_start: bool = False,
        userclass_picker_is_active: bool = False,
        build_path: str | None = None,
    ):
        raise NotImplementedError(
            "There is no web interface yet, so a WebUI cannot be made: run the test without one "
            "(--headless; as a library, leave out create_web_ui())"
        )
