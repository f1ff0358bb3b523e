"""The server of the web process, alone: a small application stands behind it (`tests.support.asgi_app`)."""
