"""The least that gunicorn and Falcon can do: what the API's rates are held against.

`/trivial` answers a small JSON; `/hgetall/{id}` reads one job's hash from Redis and answers it, with nothing of ours.
"""

from __future__ import annotations

import json
import os

import falcon
import redis

client = redis.Redis.from_url(os.environ["REDIS_URL"])


class Trivial:
    """A constant."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answers."""
        resp.data = json.dumps({"status": "ok"}).encode()


class Hash:
    """One hash, as it is."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Answers."""
        fields: dict[bytes, bytes] = client.hgetall(f"bot-scheduler:job:{name}")  # type: ignore[assignment]
        resp.data = json.dumps({key.decode(): value.decode() for key, value in fields.items()}).encode()


def build() -> falcon.App[falcon.Request, falcon.Response]:
    """The application."""
    app: falcon.App[falcon.Request, falcon.Response] = falcon.App()
    app.add_route("/trivial", Trivial())
    app.add_route("/hgetall/{name}", Hash())
    return app
