"""The standard library is patched before drivers are imported, as a locustfile finds it."""

import locust  # noqa: F401
