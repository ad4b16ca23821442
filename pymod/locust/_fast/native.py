"""What the native client leaves to Python."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import urlencode

import _locust

from locust.clients import SessionCookieJar

from . import USER_AGENT
from .agent import client_pool, default_headers, options
from .body import describe_body, encode_files
from .errors import make_error
from .replies import attribute_of, write_debug
from .tls import remember_files
from .urls import prepare_url


def basic_auth(auth) -> str:
    """The header for a pair of user name and password, each str or bytes."""
    user, password = (part.encode("latin-1") if isinstance(part, str) else part for part in auth)
    return "Basic " + b64encode(user + b":" + password).decode()


def _encode_form(data) -> bytes:
    return urlencode(data).encode()


_OWN_KEYWORDS = (
    "files",
    "debug_stream",
    "max_retries",
    "max_redirects",
    "to_string",
    "response_codes",
)


def _extend(agent, method, data, params, others):
    """Sorts the keywords that request() itself does not know.

    What urlopen() does not know either is part of the form or the query, as in geventhttpclient.
    """
    own = {name: others[name] for name in _OWN_KEYWORDS if name in others}
    more = {name: value for name, value in others.items() if name not in own}
    if more and method.upper() == "POST":
        data = {**(data or {}), **more} if data is None or isinstance(data, dict) else data
    elif more and (params is None or isinstance(params, dict)):
        params = {**(params or {}), **more}
    retries, redirects = own.get("max_retries"), own.get("max_redirects")
    return (
        data,
        params,
        own.get("files"),
        own.get("debug_stream"),
        agent.max_retries if retries is None else int(retries),
        agent.max_redirects if redirects is None else int(redirects),
    )


def install(
    response_class, error_class, context_class, valid_codes, redirect_codes, caught, bad_status
):
    """Hands everything over to the native code."""
    remember_files()
    _locust.set_fast_helpers(
        f"User-Agent: {USER_AGENT}",
        response_class=response_class,
        error_class=error_class,
        context_class=context_class,
        valid_codes=valid_codes,
        redirect_codes=redirect_codes,
        options=options,
        default_headers=default_headers,
        cookiejar=SessionCookieJar,
        clientpool=client_pool,
        prepare_url=prepare_url,
        extend=_extend,
        encode_form=_encode_form,
        encode_files=encode_files,
        encode_json=json.dumps,
        feed=describe_body,
        basic_auth=basic_auth,
        make_error=make_error,
        caught=caught,
        bad_status=bad_status,
        write_debug=write_debug,
        lazy=attribute_of,
        loads=json.loads,
    )
