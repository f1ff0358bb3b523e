"""The folder where an installation on one machine keeps its data: the checkout, or the user's data folder.

`bot-scheduler up` keeps its key and its Valkey's data there, and reads `.env` there. The other commands look there for
the key. A checkout keeps all of it beside the code; an installed wheel follows the platform's custom (XDG Base
Directory Specification on Linux, `~/Library/Application Support` on macOS).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

NAME = "bot-scheduler"
_ROOT = Path(__file__).parents[1]


class NoHome(Exception):
    """This user has no home folder, and no setting names another one."""

    def __init__(self) -> None:
        super().__init__("Set HOME, XDG_DATA_HOME or DATA_DIR: this user has no home folder to keep data in")


def checkout() -> Path | None:
    """Return the folder of the source code that runs, or None if it was installed as a package."""
    return _ROOT if (_ROOT / NAME).is_file() else None  # the script beside the code; no wheel has it


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder from which a relative DATA_DIR counts, and which may hold a `.env`.

    A relative `XDG_DATA_HOME` is ignored, as its specification demands.

    Raises:
        NoHome: neither the environment nor the user database (passwd) names a home folder.
    """
    if (here := checkout()) is not None:
        return here
    if sys.platform == "darwin":
        return _user_home() / "Library" / "Application Support" / NAME
    xdg = Path(environment.get("XDG_DATA_HOME") or "")
    return (xdg if xdg.is_absolute() else _user_home() / ".local" / "share") / NAME


def _user_home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise NoHome from None


def data_folder(setting: str | None) -> Path:
    """Return where the data is.

    Args:
        setting: DATA_DIR; unset or empty, it is `var` in a checkout and `home()` itself elsewhere.

    Raises:
        NoHome: it is not absolute, and there is no home folder.
    """
    if setting and Path(setting).is_absolute():
        return Path(setting)
    return (home() / (setting or ("var" if checkout() else ""))).absolute()


def of_dotenv() -> dict[str, str]:
    """Return the settings that `.env` in `home()` has; an empty one counts as unset. No home, no settings."""
    try:
        values = dotenv_values(home() / ".env", interpolate=False)
    except NoHome:
        return {}
    return {name: value for name, value in values.items() if value}
