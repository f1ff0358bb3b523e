"""gunicorn's worker: uvicorn's, with our HTTP protocol."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process of the web."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "asyncio", "http": "httptools", "ws": "none", "lifespan": "on", "proxy_headers": False,
        "server_header": False, "access_log": False,
    }  # fmt: skip
