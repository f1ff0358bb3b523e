"""Where a secret may go: which hosts a list allows, and which lists are refused."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from service.bots.support.secrets import SecretRefused, Vault
from service.errors import SettingsError
from service.secrecy.secret_hosts import check, hosts_of, unbound
from service.secrecy.secret_names import is_binding, is_secret
from service.settings import load_settings


@pytest.mark.parametrize(
    ("entries", "url", "allowed"),
    [
        ("hooks.example.org", "https://hooks.example.org/a", True),
        ("hooks.example.org", "https://HOOKS.Example.ORG./a", True),
        ("Hooks.Example.org.", "https://hooks.example.org/a", True),
        ("hooks.example.org", "https://hooks.example.org:8443/a", True),
        ("hooks.example.org", "https://a.hooks.example.org/", False),
        ("hooks.example.org", "https://example.org/", False),
        ("hooks.example.org", "https://hooks.example.org.evil.example/", False),
        ("hooks.example.org", "https://evilhooks.example.org/", False),
        ("hooks.example.org", "https://evil.example/hooks.example.org", False),
        ("hooks.example.org", "https://hooks.example.org@evil.example/", False),
        (
            "hooks.example.org",
            "https://evil.example\\@hooks.example.org/",
            True,
        ),  # httpx refuses such an address before
        ("*.example.net", "https://a.example.net/", True),
        ("*.example.net", "https://a.b.Example.net/", True),
        ("*.example.net", "https://example.net/", False),
        ("*.example.net", "https://badexample.net/", False),
        ("a.example.org,  *.example.net b.example.org", "https://b.example.org/", True),
        ("bücher.example", "https://xn--bcher-kva.example/", True),
        ("XN--bcher-kva.example", "https://Bücher.example/", True),
        ("*.bücher.example", "https://www.xn--bcher-kva.example/", True),
        ("hooks.example.org:8443", "https://hooks.example.org:8443/", True),
        ("hooks.example.org:8443", "https://hooks.example.org/", False),
        ("hooks.example.org:443", "https://hooks.example.org/", True),
        ("hooks.example.org:80", "http://hooks.example.org/", True),
        ("hooks.example.org:443", "http://hooks.example.org/", False),
        ("[2001:db8::1]", "http://[2001:DB8:0::1]/", True),
        ("2001:db8:0:0::1", "http://[2001:db8::1]/", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443/", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]/", False),
        ("127.0.0.1", "http://127.0.0.1:1234/", True),
        ("127.0.0.1", "http://2130706433/", False),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", False),
        ("hooks.example.org", "nonsense", False),
        ("hooks.example.org", "https://hooks.example.org:port/", False),
        ("hooks.example.org", "", False),
    ],
)
def test_a_list_allows_what_it_names(entries: str, url: str, allowed: bool) -> None:
    """Whatever the case, the alphabet or the spelling of an address; never a host that only looks alike."""
    secrets = Vault({"BOT_SECRET_X": "sesame", "BOT_SECRET_X_HOSTS": entries}).opened().allow(["BOT_SECRET_X"])
    with nullcontext() if allowed else pytest.raises(SecretRefused, match="BOT_SECRET_X may not be sent"):
        assert secrets.text("env:BOT_SECRET_X", url) == "sesame"


@pytest.mark.parametrize(
    "entry",
    ["*", "*.", "a.*.example.org", "*example.org", "https://example.org", "example.org/path", "b@c", "example.org:0",
     "example.org:65536", "example.org:", "[::1", "[zz::1]", "*.127.0.0.1", "[127.0.0.1]", "fe80::1%eth0", "-a.example",
     "a..example", "x" * 64 + ".example", "sesame?"],
)  # fmt: skip
def test_a_malformed_entry_stops_the_start_and_is_told_by_number(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by its text: somebody may have put the secret itself there."""
    monkeypatch.setenv("BOT_SECRET_HOOK_HOSTS", f"good.example.org, {entry}")
    with pytest.raises(SettingsError, match="BOT_SECRET_HOOK_HOSTS: entry 2 must be a host") as refusal:
        load_settings()
    assert entry == "*" or entry not in str(refusal.value).removeprefix("Settings are wrong: ").replace("*.domain", "")


def test_several_malformed_lists_and_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names all of them."""
    monkeypatch.setenv("BOT_SECRET_A_HOSTS", "*")
    monkeypatch.setenv("BOT_SECRET_B_HOSTS", "[")
    monkeypatch.setenv("PORT", "eight")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert all(name in str(refusal.value) for name in ("PORT", "BOT_SECRET_A_HOSTS", "BOT_SECRET_B_HOSTS"))


def test_a_list_is_no_secret_and_binds_only_where_it_lists_something() -> None:
    """An empty one counts as unset, as every setting does."""
    environment = {
        "BOT_SECRET_A": "x",
        "BOT_SECRET_A_HOSTS": " ",
        "BOT_SECRET_B": "x",
        "BOT_SECRET_B_HOSTS": "b.example",
    }
    environment |= {"BOT_SECRET_HOSTS": "a secret called HOSTS", "BOT_SECRET_EMPTY": ""}
    assert is_secret("BOT_SECRET_A") and is_secret("BOT_SECRET_HOSTS") and not is_secret("BOT_SECRET_A_HOSTS")
    assert is_binding("BOT_SECRET_A_HOSTS") and not is_binding("BOT_SECRET_HOSTS") and not is_binding("X_HOSTS")
    assert hosts_of("BOT_SECRET_A", environment) is None and hosts_of("BOT_SECRET_B", environment) is not None
    assert unbound(environment) == ["BOT_SECRET_A", "BOT_SECRET_HOSTS"]
    assert check(environment) == []
