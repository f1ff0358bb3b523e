"""The least that gunicorn, uvicorn and Falcon can do: what the API's rates are held against.

`/trivial` answers a small JSON; `/hgetall/{id}` reads one job's hash from Redis and answers it, with nothing of ours.
"""

from __future__ import annotations

import json
import os
from typing import Any

import falcon.asgi
from redis.asyncio import Redis

WORKER_CLASS = "uvicorn_worker.UvicornWorker"
client: Any = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1"))


class Trivial:
    """A constant."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers."""
        resp.data = json.dumps({"status": "ok"}).encode()


class Hash:
    """One hash, as it is."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        """Answers."""
        fields: dict[bytes, bytes] = await client.hgetall(f"bot-scheduler:job:{name}")
        resp.data = json.dumps({key.decode(): value.decode() for key, value in fields.items()}).encode()


def build() -> falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response]:
    """The application."""
    app: falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response] = falcon.asgi.App()
    app.add_route("/trivial", Trivial())
    app.add_route("/hgetall/{name}", Hash())
    return app
