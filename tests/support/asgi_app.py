"""A small ASGI application for the server's tests: it says what it was asked, and can be slow, long or broken."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

from service.web.stopping import STOPPING

CHUNK = b"x" * 16 * 1024


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers by the path: see the functions below."""
    if scope["type"] == "lifespan":
        return await _lifespan(receive, send)
    name = scope["path"].strip("/").partition("/")[0]
    await _ROUTES.get(name, _echo)(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(send: Any, body: bytes, status: int = 200) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _whole_body(receive: Any) -> bytes | None:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return body


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """All that the application gets to know."""
    body = await _whole_body(receive)
    if body is None:
        return await _answer(send, b'{"detail": "The body broke off"}', 400)
    told = {name: scope[name] for name in ("method", "path", "http_version", "client", "scheme")}
    told |= {name: scope[name].decode("latin-1") for name in ("raw_path", "query_string")}
    told["headers"] = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    await _answer(send, json.dumps(told | {"body": body.decode("latin-1"), "pid": os.getpid()}).encode())


async def _unread(scope: Any, receive: Any, send: Any) -> None:
    """Refuses without a look at the body."""
    await _answer(send, b'{"detail": "Refused"}', 401)


async def _long(scope: Any, receive: Any, send: Any) -> None:
    """An answer of as many MiB as the query says, in chunks."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(64 * int(scope["query_string"] or b"1")):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _slow(scope: Any, receive: Any, send: Any) -> None:
    """An answer after as many seconds as the query says."""
    await asyncio.sleep(float(scope["query_string"]))
    await _answer(send, b'{"slow": true}')


async def _stream(scope: Any, receive: Any, send: Any) -> None:
    """A stream that lasts until this process stops or the client goes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun\n", "more_body": True})
    gone, stopped = asyncio.ensure_future(_until_gone(receive)), asyncio.ensure_future(STOPPING.wait())
    await asyncio.wait({gone, stopped}, return_when=asyncio.FIRST_COMPLETED)
    last = b"stopped\n" if stopped.done() else b"gone\n"
    gone.cancel()
    stopped.cancel()
    await send({"type": "http.response.body", "body": last})


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _block(scope: Any, receive: Any, send: Any) -> None:
    """Holds the loop up for as many seconds as the query says."""
    time.sleep(float(scope["query_string"]))
    await _answer(send, b"{}")


async def _break(scope: Any, receive: Any, send: Any) -> None:
    """Fails without an answer."""
    raise ValueError("broken on purpose")


async def _split(scope: Any, receive: Any, send: Any) -> None:
    """Tries to send a header with a line break."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\r\nb: c")]})
    await send({"type": "http.response.body", "body": b""})


_ROUTES = {
    "unread": _unread,
    "long": _long,
    "slow": _slow,
    "stream": _stream,
    "block": _block,
    "break": _break,
    "split": _split,
}
