"""Location of the API: its URL and its key.

Both come from the environment. For a service on this machine they also come from the settings of `make up`: `.env`,
and the key in `DATA_DIR`. That key is never sent to another machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from service.cli.exits import Exit, Failure
from service.home import NoHome, data_folder, of_dotenv
from service.listening import bind_to, here, is_here

URL_FILE = "redis_url"
"""The file in DATA_DIR in which `make up` writes the URL of its Valkey."""


@dataclass(frozen=True, slots=True)
class Location:
    """An address and the key for it.

    Args:
        url: The service's URL, without `/scheduler` and without a slash at the end.
        key: The API key. None if it is not known.
        key_from: The key's source, for messages.
        local: Whether the service is on this machine.
        of_make_up: Whether this is the address of this checkout's `make up`, even if the environment names it.
    """

    url: str
    key: bytes | None
    key_from: str
    local: bool
    of_make_up: bool


def find_location() -> Location:
    """Read `BOT_SCHEDULER_URL` and `API_KEY`, or take their defaults.

    Raises:
        Failure: The URL is invalid, or the key can only be in DATA_DIR, and there is no such folder.
    """
    own = _address_here(up_environment())
    given = os.environ.get("BOT_SCHEDULER_URL") or f"http://{own}"
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
    of_make_up = local and url.startswith("http:") and bind_to(parts.hostname or "", parts.port or 80) == own
    return Location(url, key, key_from, local, of_make_up)


def up_environment() -> dict[str, str]:
    """Return the environment as `make up` sees it: variables that are unset or empty come from `.env`."""
    return of_dotenv() | {name: value for name, value in os.environ.items() if value}


def _address_here(settings: dict[str, str]) -> str:
    return bind_to(here(settings.get("BIND_HOST")), settings.get("PORT") or "8000")


def own_redis() -> str | None:
    """Return the URL of the Valkey of a running `make up`. None if it does not run, or if another user runs it."""
    if (data := data_dir()) is None:
        return None
    try:
        return (data / URL_FILE).read_text().strip() or None
    except OSError:
        return None


def data_dir() -> Path | None:
    """Return the folder in which `make up` keeps its data. None if DATA_DIR is unset and the user has no home."""
    try:
        return data_folder(up_environment().get("DATA_DIR"))
    except NoHome:
        return None


def _key(local: bool) -> tuple[bytes | None, str]:
    if os.environ.get("API_KEY"):
        return _encoded(os.environ["API_KEY"]), "API_KEY"
    if not local:
        return None, "nowhere: API_KEY is not set"
    if up_environment().get("API_KEY"):
        return _encoded(up_environment()["API_KEY"]), ".env"
    if (data := data_dir()) is None:
        raise Failure(
            Exit.USAGE, "Set API_KEY; or set HOME, XDG_DATA_HOME or DATA_DIR to find the key of `bot-scheduler up`"
        )
    path = data / "api_key"
    try:
        return path.read_bytes().strip(), str(path)
    except OSError:
        return None, f"nowhere: API_KEY is not set, and there is no readable {path}"


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape").strip(b" \t\r\n")
