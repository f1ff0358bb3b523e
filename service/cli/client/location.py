"""Where the API is and which key opens it.

From the environment; for a service on this machine also from what `make up` goes by: `.env`, and the key that it keeps
under `DATA_DIR`. That key is never sent to another machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from service.cli.exits import Exit, Failure
from service.listening import bind_to, here, is_here

ROOT = Path(__file__).parents[3]
"""The checkout, from which `make up` runs."""
URL_FILE = "redis_url"
"""In DATA_DIR: where `make up` says how its Valkey is reached."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask.

    Args:
        url: the API's, without `/scheduler` and without a slash at its end.
        key: the API key; None: there is none.
        key_from: where the key comes from, in words.
        local: whether the service is on this machine.
        ups: whether it is where a `make up` of this checkout is, whoever named it.
    """

    url: str
    key: bytes | None
    key_from: str
    local: bool
    ups: bool


def find_place() -> Place:
    """What `BOT_SCHEDULER_URL` and `API_KEY` say, or what holds without them.

    Raises:
        Failure: the URL is none.
    """
    ups = _place_here(up_environment())
    given = os.environ.get("BOT_SCHEDULER_URL") or f"http://{ups}"
    url = given.strip().rstrip("/").removesuffix("/scheduler")
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise Failure(Exit.USAGE, "BOT_SCHEDULER_URL must look like https://scheduler.example.org or http://host:8000")
    local = is_here(parts.hostname or "")
    key, key_from = _key(local)
    is_ups = local and url.startswith("http:") and bind_to(parts.hostname or "", parts.port or 80) == ups
    return Place(url, key, key_from, local, is_ups)


def up_environment() -> dict[str, str]:
    """The environment as `make up` sees it: what is unset or empty comes from `.env`."""
    kept = {name: value for name, value in dotenv_values(ROOT / ".env", interpolate=False).items() if value}
    return kept | {name: value for name, value in os.environ.items() if value}


def _place_here(settings: dict[str, str]) -> str:
    return bind_to(here(settings.get("BIND_HOST")), settings.get("PORT") or "8000")


def own_redis() -> str | None:
    """Where the Valkey of a `make up` is that runs now; None where there is none, or it is somebody else's."""
    try:
        return (data_dir() / URL_FILE).read_text().strip() or None
    except OSError:
        return None


def data_dir() -> Path:
    """Where `make up` keeps its data."""
    return ROOT / (up_environment().get("DATA_DIR") or "var")


def _key(local: bool) -> tuple[bytes | None, str]:
    if os.environ.get("API_KEY"):
        return _encoded(os.environ["API_KEY"]), "API_KEY"
    if not local:
        return None, "nowhere: API_KEY is not set"
    if up_environment().get("API_KEY"):
        return _encoded(up_environment()["API_KEY"]), ".env"
    path = data_dir() / "api_key"
    try:
        return path.read_bytes().strip(), str(path)
    except OSError:
        return None, f"nowhere: API_KEY is not set, and there is no readable {path}"


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape").strip(b" \t\r\n")
