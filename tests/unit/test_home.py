"""Where data is kept: in a checkout beside the code, else in the user's data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from service import home
from service.cli.client import location
from service.cli.exits import Failure


def test_a_checkout_keeps_its_data_in_var() -> None:
    """A relative DATA_DIR counts from the checkout, whatever folder is the current one."""
    root = Path(__file__).parents[2]
    assert home.checkout() == home.home() == root
    assert home.data_folder(None) == home.data_folder("") == root / "var"
    assert home.data_folder("other") == root / "other"
    assert home.data_folder("/data") == Path("/data")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a folder of its own")
def test_an_installed_package_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_DATA_HOME where it is absolute, else the default below HOME."""
    monkeypatch.setattr(home, "_ROOT", tmp_path / "site-packages")
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = tmp_path / ".local" / "share" / "bot-scheduler"
    assert home.checkout() is None
    assert home.home({}) == home.home({"XDG_DATA_HOME": ""}) == home.home({"XDG_DATA_HOME": "relative"}) == usual
    assert home.home({"XDG_DATA_HOME": "/xdg"}) == Path("/xdg/bot-scheduler")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert home.data_folder(None) == usual and home.data_folder("other") == usual / "other"


@pytest.mark.skipif(sys.platform == "darwin", reason="the same as above")
def test_macos_has_its_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where its programs keep their data."""
    monkeypatch.setattr(home, "_ROOT", tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home.home({"XDG_DATA_HOME": "/xdg"}) == tmp_path / "Library" / "Application Support" / "bot-scheduler"


def test_without_a_home_a_data_folder_can_still_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container's arbitrary user id has neither HOME nor an entry in passwd."""
    monkeypatch.setattr(home, "_ROOT", tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert home.of_dotenv() == {}
    assert home.data_folder("/data") == Path("/data")
    for setting in (None, "", "relative"):
        with pytest.raises(home.NoHome, match="Set HOME, XDG_DATA_HOME or DATA_DIR"):
            home.data_folder(setting)


def test_without_a_home_the_command_line_needs_only_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without one, it says in a sentence what to set."""
    monkeypatch.setattr(home, "_ROOT", tmp_path)
    for name in ("HOME", "XDG_DATA_HOME", "DATA_DIR", "BOT_SCHEDULER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    monkeypatch.setenv("API_KEY", "a key")
    assert location.find_location().key == b"a key"
    assert (location.data_dir(), location.own_redis()) == (None, None)
    monkeypatch.delenv("API_KEY")
    with pytest.raises(Failure, match="set HOME, XDG_DATA_HOME or DATA_DIR"):
        location.find_location()
