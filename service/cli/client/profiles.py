"""Profiles: services and their keys, kept for the person who has signed in to them with `login`.

They are in one file in the user's folder for configuration (XDG Base Directory Specification), which only its owner
can read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
from service.home import NAME

VARIABLE = "BOT_SCHEDULER_PROFILE"
HERE = "here"
"""The name that stands for the service of this machine, even if another profile is the current one."""
ASKED: ContextVar[str | None] = ContextVar("profile", default=None)
"""The profile that `--profile` names."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A service and a key for it.

    Args:
        name: Its name.
        url: The service's URL.
        key: The API key.
    """

    name: str
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles.

    Args:
        current: The name of the one that is used where nothing else is said; None if none is.
        known: Name -> profile.
    """

    current: str | None
    known: Mapping[str, Profile]

    def named(self, name: str) -> Profile:
        """Return a profile. Raises Failure."""
        if name not in self.known:
            others = f", only {', '.join(map(quoted, self.known))}" if self.known else ""
            raise Failure(
                Exit.USAGE, f"There is no profile {quoted(name)}{others}. To make one: bot-scheduler login URL"
            )
        return self.known[name]

    def with_one(self, profile: Profile) -> Profiles:
        """Return them with this one, as the current one."""
        return Profiles(profile.name, {**self.known, profile.name: profile})

    def without(self, name: str) -> Profiles:
        """Return them without one."""
        known = {one: profile for one, profile in self.known.items() if one != name}
        return Profiles(None if self.current == name else self.current, known)


def profiles_file() -> Path:
    """Return the file of the profiles. Raises Failure if this user has no home folder."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    try:
        return (folder if folder.is_absolute() else Path.home() / ".config") / NAME / "profiles.json"
    except RuntimeError:
        raise Failure(Exit.USAGE, "Set HOME or XDG_CONFIG_HOME to keep profiles") from None


def shown(path: Path) -> str:
    """Write a path for people: `~` is the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def read_profiles() -> Profiles:
    """Read them; none if there is no file, or no home folder for it.

    Raises:
        Failure: The file is damaged, or cannot be read.
    """
    try:
        path = profiles_file()
    except Failure:
        return Profiles(None, {})
    try:
        stored: Any = json.loads(path.read_bytes())
        known = {name: Profile(name, str(one["url"]), str(one["key"])) for name, one in stored["profiles"].items()}
        return Profiles(stored["current"], known)
    except FileNotFoundError:
        return Profiles(None, {})
    except OSError as error:
        raise Failure(Exit.USAGE, f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failure(
            Exit.USAGE, f"{path} is damaged; delete it, and sign in again with: bot-scheduler login"
        ) from None


def read_by_others() -> Path | None:
    """Return the file of the profiles if other users of this machine can read it; it has keys in it."""
    try:
        path = profiles_file()
        return path if path.stat().st_mode & 0o077 else None
    except (Failure, OSError):
        return None


def check_writable() -> None:
    """Refuse what would write the profiles where that is not possible.

    Raises:
        Failure: The file's folder, or the one in which it would be made, is not writable.
    """
    path = profiles_file()
    folder = next(one for one in path.parents if one.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(Exit.USAGE, f"{path} cannot be written: {folder} is not a folder that you may write to")


def write_profiles(profiles: Profiles) -> Path:
    """Write them as a whole, readable by their owner alone. Returns the file.

    Raises:
        Failure: It cannot be written.
    """
    path = profiles_file()
    known = {name: {"url": one.url, "key": one.key} for name, one in profiles.known.items()}
    text = json.dumps({"current": profiles.current, "profiles": known}, indent=2) + "\n"
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise Failure(Exit.USAGE, f"{path} cannot be written: {error.strerror}") from None
    return path


def chosen_profile() -> Profile | None:
    """Return the profile to use: that of `--profile`, else of the environment, else the current one.

    None if the environment names an address instead, if this machine's service is asked for, or if there is no profile.

    Raises:
        Failure: There is no such profile.
    """
    asked = ASKED.get() or os.environ.get(VARIABLE)
    if asked == HERE:
        return None
    if asked:
        return read_profiles().named(asked)
    if os.environ.get("BOT_SCHEDULER_URL"):
        return None
    try:
        found = read_profiles()
    except Failure:
        if os.environ.get("API_KEY"):
            return None  # who has a key and no home, as in a container, needs no profile
        raise
    return found.known.get(found.current or "")
