"""What an ssl.SSLContext says, for the native engine, which has no use for the context itself.

A context does not tell which files were loaded into it. So the methods that load them remember it,
from the import of locust on, for all contexts.
"""

from __future__ import annotations

import os
import ssl

from requests.certs import where

_LOADED = "_locust_loaded"


def default_authorities() -> str:
    """The file of those whom ssl trusts by default (SSL_CERT_FILE counts), or of requests'."""
    file = ssl.get_default_verify_paths().cafile
    return file if file and os.path.isfile(file) else where()


def _remember(context, **what) -> None:
    loaded = context.__dict__.setdefault(_LOADED, {"authorities": []})
    loaded["authorities"] += what.pop("authorities", [])
    loaded.update(what)


def _load_cert_chain(self, certfile, keyfile=None, password=None):
    _original["load_cert_chain"](self, certfile, keyfile, password)
    _remember(self, chain=(certfile, keyfile, password))


def _load_verify_locations(self, cafile=None, capath=None, cadata=None):
    _original["load_verify_locations"](self, cafile, capath, cadata)
    _remember(self, authorities=[(cafile, capath, cadata)])


def _set_default_verify_paths(self):
    _original["set_default_verify_paths"](self)
    _remember(self, authorities=[(default_authorities(), None, None)])


def _set_ciphers(self, ciphers):
    _original["set_ciphers"](self, ciphers)
    _remember(self, ciphers=ciphers)


_original: dict = {}


def remember_files() -> None:
    """From now on contexts remember what is loaded into them."""
    for replacement in (
        _load_cert_chain,
        _load_verify_locations,
        _set_default_verify_paths,
        _set_ciphers,
    ):
        name = replacement.__name__[1:]
        _original[name] = getattr(ssl.SSLContext, name)
        replacement.__name__ = name
        replacement.__qualname__ = f"SSLContext.{name}"
        setattr(ssl.SSLContext, name, replacement)


def _path(path):
    return os.fsdecode(path) if path is not None else None


def _text(pem) -> str:
    """Certificates that were given as they are: PEM, or DER."""
    return pem if isinstance(pem, str) else ssl.DER_cert_to_PEM_cert(bytes(pem))


def _authorities(context, loaded) -> dict:
    """Whom the context trusts: one file if that will do, else the certificates themselves."""
    known = dict.fromkeys((_path(file), _path(place), data) for file, place, data in loaded)
    files = [file for file, _, _ in known if file]
    directories = [directory for _, directory, _ in known if directory]
    data = [_text(data) for _, _, data in known if data]
    values = {"ca_directory": directories[-1]} if directories else {}
    if len(files) == 1 and not data:
        return {**values, "ca_file": files[0]}
    texts = data
    for file in files:
        with open(file, encoding="latin-1") as f:
            texts.append(f.read())
    if not known:
        texts = [ssl.DER_cert_to_PEM_cert(der) for der in context.get_ca_certs(binary_form=True)]
    return {**values, "ca_pem": "\n".join(texts)} if texts else values


def _certificate(chain) -> dict:
    certfile, keyfile, password = chain
    values = {"cert_file": _path(certfile), "key_file": _path(keyfile)}
    if password is not None:
        password = password() if callable(password) else password
        values["key_password"] = password if isinstance(password, str) else bytes(password).decode()
    return values


_VERSIONS = {
    ssl.TLSVersion.TLSv1: 10,
    ssl.TLSVersion.TLSv1_1: 11,
    ssl.TLSVersion.TLSv1_2: 12,
    ssl.TLSVersion.TLSv1_3: 13,
}


def context_options(context: ssl.SSLContext) -> tuple[bool, dict]:
    """(whether certificates are checked, options of connections) of a context."""
    loaded = context.__dict__.get(_LOADED, {"authorities": []})
    values = {
        "min_tls": _VERSIONS.get(context.minimum_version, 0),
        "max_tls": _VERSIONS.get(context.maximum_version, 0),
        "ciphers": loaded.get("ciphers"),
    }
    verify = context.verify_mode != ssl.CERT_NONE
    if verify:
        values.update(_authorities(context, loaded["authorities"]))
        values["any_host_name"] = not context.check_hostname
    if "chain" in loaded:
        values.update(_certificate(loaded["chain"]))
    return verify, values


def factory_options(factory, insecure: bool) -> tuple[bool, dict]:
    """The same of the context that a factory makes, as geventhttpclient uses it.

    It may take the file of authorities; if it does not, they are loaded into what it makes.
    insecure: the name in the certificate does not matter; whether the certificate is checked at all
    is for the factory to say.
    """
    authorities = default_authorities()
    try:
        context = factory(cafile=authorities)
    except TypeError:
        context = factory()
        context.load_verify_locations(cafile=authorities)
    context.check_hostname = not insecure
    if not insecure:
        context.verify_mode = ssl.CERT_REQUIRED
    return context_options(context)
