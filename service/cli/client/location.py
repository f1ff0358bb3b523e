"""Location of the API: its URL and its key.

Both come from a profile or from the environment. For a service on this machine they also come from `make up`: from
`.env`, and from the files in `DATA_DIR`. The key there is never sent to another machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from service.cli.client.profiles import ASKED, HERE, chosen_profile
from service.cli.exits import Exit, Failure
from service.home import NoHome, data_folder, of_dotenv
from service.listening import bind_to, here, is_here

URL_FILE, REDIS_FILE = "url", "redis_url"
"""Files in DATA_DIR in which a running `make up` keeps its own URL and that of its Redis."""


@dataclass(frozen=True, slots=True)
class Location:
    """An address and the key for it.

    Args:
        url: The service's URL, without `/scheduler` and without a slash at the end.
        key: The API key. None if it is not known.
        key_from: The key's source, for messages.
        local: Whether the service is on this machine.
        of_make_up: Whether this is the address of this checkout's `make up`, even if the environment or a profile
            names it.
    """

    url: str
    key: bytes | None
    key_from: str
    local: bool
    of_make_up: bool


def find_location() -> Location:
    """Return the service of the chosen profile, else that of `BOT_SCHEDULER_URL`, else that of this machine.

    Raises:
        Failure: The URL is invalid, there is no such profile, or the key can only be in DATA_DIR, and there is no such
            folder.
    """
    if (profile := chosen_profile()) is not None:
        return located(profile.url, profile.key.encode(), f"the profile {profile.name}", "the profile")
    given = "" if ASKED.get() == HERE else os.environ.get("BOT_SCHEDULER_URL")
    return located(given or address_here(up_environment()), None, "", "BOT_SCHEDULER_URL")


def located(given: str, key: bytes | None, key_from: str, named_by: str) -> Location:
    """Return a service by its URL.

    Args:
        given: Its URL, as a person may write it.
        key: Its key; None to look for it in the environment.
        key_from: The key's source.
        named_by: The URL's source, for the refusal.

    Raises:
        Failure: As `find_location`.
    """
    url = given.strip().rstrip("/").removesuffix("/scheduler")
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise Failure(Exit.USAGE, f"{named_by} must look like https://scheduler.example.org or http://host:8000")
    local = is_here(parts.hostname or "")
    if key is None:
        key, key_from = _key(local)
    return Location(url, key, key_from, local, local and _is_of_make_up(parts))


def _is_of_make_up(parts: SplitResult) -> bool:
    address = f"{parts.scheme}://{bind_to(parts.hostname or '', parts.port or 80)}"
    return address == address_here(up_environment())


def up_environment() -> dict[str, str]:
    """Return the environment as `make up` sees it: variables that are unset or empty come from `.env`."""
    return of_dotenv() | {name: value for name, value in os.environ.items() if value}


def address_here(settings: dict[str, str]) -> str:
    """Return the URL of this machine's service: as the environment says, else as a running `make up` has noted it."""
    named = any(os.environ.get(name) for name in ("PORT", "BIND_HOST"))
    return (
        not named and _noted(URL_FILE)
    ) or f"http://{bind_to(here(settings.get('BIND_HOST')), settings.get('PORT') or '8000')}"


def own_redis() -> str | None:
    """Return the URL of the Redis of a running `make up`. None if it does not run, or if another user runs it."""
    return _noted(REDIS_FILE)


def _noted(name: str) -> str | None:
    """Return what a running `make up` has noted in a file of its data folder; None if it does not run."""
    if (data := data_dir()) is None:
        return None
    try:
        return (data / name).read_text().strip() or None
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
