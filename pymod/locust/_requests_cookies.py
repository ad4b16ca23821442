"""Cookies of a session: requests' jar, shown of the native one that redirects use without Python."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy

from requests.cookies import RequestsCookieJar, merge_cookies


class SessionCookieJar(RequestsCookieJar):
    """The cookies of a session, which live in native code so that redirects see them without Python.

    native: a _locust.CookieJar, or what has its methods.
    """

    def __init__(self, native):
        self._native = native
        self._version = None
        super().__init__()

    @property
    def _cookies(self):
        version = self._native._cookie_version()
        if version != self._version:
            self._tree = {}
            for values in self._native._cookie_list():
                cookie = make_cookie(*values)
                self._tree.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
            self._version = version
        return self._tree

    @_cookies.setter
    def _cookies(self, tree):
        """The constructor of the base class begins with an empty one."""

    def set_policy(self, policy):
        """From now on Python decides which cookies are taken and sent, unless it is the usual policy."""
        super().set_policy(policy)
        self._native.strange = not _is_usual(policy)

    def set_cookie(self, cookie, *args, **kwargs):
        value = cookie.value
        if isinstance(value, str) and value.startswith('"') and value.endswith('"'):
            value = value.replace('\\"', "")
            cookie = copy.copy(cookie)
            cookie.value = value
        self._native._cookie_set(*cookie_values(cookie))

    def clear(self, domain=None, path=None, name=None):
        if name is not None and (domain is None or path is None):
            raise ValueError("domain and path must be given to remove a cookie by name")
        if path is not None and domain is None:
            raise ValueError("domain must be given to remove cookies by path")
        deleted = self._native._cookie_delete(domain, path, name)
        if domain is not None and not deleted:
            raise KeyError(name if name is not None else path if path is not None else domain)

    def replace(self, cookies):
        """Takes the contents of another jar or mapping instead of its own."""
        cookies = list(cookies) if not isinstance(cookies, Mapping) or hasattr(cookies, "set_cookie") else dict(cookies)
        self.clear()
        if isinstance(cookies, dict):
            self.update(cookies)
        else:
            for cookie in cookies:
                self.set_cookie(cookie)

    def __reduce__(self):
        return RequestsCookieJar, (), self.copy().__getstate__()

    def copy(self):
        jar = RequestsCookieJar()
        jar.set_policy(self.get_policy())
        jar.update(self)
        return jar


_USUAL_POLICY = vars(DefaultCookiePolicy())


def _is_usual(policy) -> bool:
    """Whether it is http.cookiejar's default, whose rules the native jar has."""
    return type(policy) is DefaultCookiePolicy and {
        name: value for name, value in vars(policy).items() if name in _USUAL_POLICY and name != "_now"
    } == {name: value for name, value in _USUAL_POLICY.items() if name != "_now"}


def adopt(session, value):
    """(what session.cookies is from now on, its native jar or None) after session.cookies = value.

    A jar of requests becomes one of ours in place, so that whoever holds it goes on seeing the session's cookies;
    sessions to which the same jar is given share it. Other jars stay what they are, and Python applies their rules.
    """
    if type(value) is SessionCookieJar:
        return value, value._native
    if type(value) is RequestsCookieJar and _is_usual(value.get_policy()):
        cookies = list(value)
        jar = SessionCookieJar(session._new_jar())
        value.__dict__.pop("_cookies", None)
        value.__class__ = SessionCookieJar
        value._native, value._version = jar._native, None
        for cookie in cookies:
            value.set_cookie(cookie)
        return value, value._native
    if isinstance(value, CookieJar):
        return value, None
    jar = SessionCookieJar(session._new_jar())
    jar.replace(value)
    return jar, jar._native


def make_cookie(domain, path, name, _, value, domain_given, path_given, secure, http_only, expires):
    """One cookie of the native jar as http.cookiejar has it."""
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=domain_given,
        domain_initial_dot=domain.startswith("."),
        path=path,
        path_specified=path_given,
        secure=secure,
        expires=expires or None,
        discard=not expires,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": None} if http_only else {},
    )


def cookie_items(cookies):
    """A jar or a mapping as arguments of _cookie_set."""
    return [cookie_values(cookie) for cookie in merge_cookies(RequestsCookieJar(), cookies)]


def cookie_values(cookie):
    """One cookie as arguments of _cookie_set."""
    return (
        cookie.domain,
        cookie.path,
        cookie.name,
        cookie.value,
        cookie.domain_specified,
        cookie.path_specified,
        cookie.secure,
        cookie.has_nonstandard_attr("HttpOnly"),
        int(cookie.expires or 0),
    )
