"""What locustfiles import of geventhttpclient, over locust's native engine.

The real geventhttpclient is not used: its sockets are gevent's.
"""

from locust._fast import VERSION as __version__
from locust._fast.agent import HTTPClient, UserAgent
from locust._fast.errors import HTTPParseError
from locust._fast.urls import URL

__all__ = ["URL", "HTTPClient", "HTTPParseError", "UserAgent", "__version__"]
