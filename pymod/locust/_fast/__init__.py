"""What geventhttpclient has, over the native engine.

FastHttpUser's client (locust.contrib.fasthttp) is made of it, and the package geventhttpclient
hands it to locustfiles that import it. Requests, replies, redirects and cookies are native; here is
what is Python by nature.
"""

VERSION = "2.3.8"
"""The version of geventhttpclient whose behaviour is reproduced."""

USER_AGENT = f"python/gevent-http-client-{VERSION}"
