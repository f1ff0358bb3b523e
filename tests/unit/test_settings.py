"""Settings from the environment: defaults, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import Settings, load_settings
from service.startup import start_process
from tools import settings_docs

ROOT = Path(__file__).parents[2]
NAMES = [name.upper() for name in Settings.model_fields]
SECRET = "s3cret-value"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the settings comes from whoever runs the tests."""
    for name in [name for name in os.environ if name.upper() in NAMES]:
        monkeypatch.delenv(name)


def refusal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What is said of a malformed environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return str(refused.value)


def test_without_any_setting_the_defaults_hold() -> None:
    """The defaults of the documents."""
    settings = load_settings()
    assert (settings.port, settings.redis_prefix, settings.redis_pool_size) == (8000, "bot-scheduler", 4)
    assert (settings.redis_tls_verify, settings.api_key, settings.message_url) == ("full", None, None)
    assert (settings.worker_concurrency, settings.web_concurrency, settings.log_level) == (2, 2, "INFO")
    assert (settings.history_limit, settings.log_runs, settings.import_limit_mb) == (1000, 20, 64)
    assert settings.lease_seconds == 30


def test_an_empty_setting_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """As platforms and `.env` files leave them."""
    for name in NAMES:
        monkeypatch.setenv(name, "")
    assert load_settings() == Settings.model_construct()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eight"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("REDIS_URL", f"http://{SECRET}@host"),
        ("REDIS_URL", SECRET),
        ("REDIS_URL", f"redis://:{SECRET}@host:port/0"),
        ("REDIS_URL", f"redis://:{SECRET}@host:65536/0"),
        ("REDIS_URL", f"redis://:{SECRET}/x@host:6379/0"),
        ("REDIS_URL", f"redis://:12#{SECRET}@host:6379/0"),
        ("REDIS_URL", f"redis://:12?{SECRET}@host:6379/0"),
        ("REDIS_URL", f"redis://:{SECRET}@host:6379/jobs"),
        ("REDIS_URL", f"redis://:{SECRET}@host:6379/0?decode_responses=true"),
        ("REDIS_URL", f"redis://:{SECRET}@host:6379/0?db=one"),
        ("REDIS_URL", f"redis://:{SECRET}@[host:6379/0"),
        ("REDIS_URL", "unix://"),
        ("REDIS_PREFIX", "a prefix"),
        ("REDIS_PREFIX", "x" * 65),
        ("REDIS_POOL_SIZE", "0"),
        ("REDIS_POOL_SIZE", "4.5"),
        ("REDIS_TLS_VERIFY", "/nowhere/ca.pem"),
        ("REDIS_TLS_VERIFY", "yes"),
        ("REDIS_TLS_VERIFY", str(Path(__file__))),
        ("WORKER_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "two"),
        ("LOG_LEVEL", "loud"),
        ("PHONE_REGION", "USA"),
        ("PHONE_REGION", "49"),
        ("PHONE_REGION", "ZZ"),
        ("PHONE_REGION", "Germany"),
        ("MESSAGE_LIST_UNSUBSCRIBE", f"http://{SECRET}.example.org"),
        ("MESSAGE_LIST_UNSUBSCRIBE", f"{SECRET}@example.org"),
        ("MESSAGE_LIST_UNSUBSCRIBE", f"https://example.org/{SECRET}>, <x"),
        ("MESSAGE_LIST_UNSUBSCRIBE", f"https://example.org/{SECRET}\r\nBcc: x"),
        ("MESSAGE_LIST_UNSUBSCRIBE", f"https://example.org/{SECRET * 100}"),
        ("MESSAGE_AUTO_SUBMITTED", "auto-generated"),
        ("HISTORY_LIMIT", "0"),
        ("LOG_RUNS", "-1"),
        ("IMPORT_LIMIT_MB", "0"),
        ("LEASE_SECONDS", "9"),
        ("RQ_COMMANDS", "shutdown"),
        ("RQ_COMMANDS", "ALL"),
        ("VISITOR_ALLOW_PRIVATE", "perhaps"),
        ("NETWORK_ALLOW", f"10.0.0.1/8,{SECRET}:80"),
        ("NETWORK_ALLOW", "*"),
        ("NETWORK_ALLOW", "10.0.0.0/8, 169.254.0.0/16"),
    ],
)
def test_a_malformed_setting_is_named_in_one_line_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The sentence starts with the setting's name; nothing of a URL is shown."""
    said = refusal(monkeypatch, **{name: value})
    assert said.startswith(f"Settings are wrong: {name}: ")
    assert SECRET not in said and "\n" not in said
    assert [other for other in NAMES if re.search(rf"\b{other}\b", said)] == [name]


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round for the operator, not three."""
    said = refusal(monkeypatch, PORT="x", LOG_LEVEL="x", REDIS_URL="x")
    assert all(name in said for name in ("PORT: ", "LOG_LEVEL: ", "REDIS_URL: "))


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://localhost",
        "redis://localhost:6379",
        "redis://localhost:6379/",
        "redis://user:pass%2Fword@redis.example.org:6379/15",
        "rediss://:p4ss@[::1]:6380/0",
        "redis://localhost?db=3",
        "unix:///run/redis.sock",
        "unix://user:word@/run/redis.sock?db=3",
    ],
)
def test_urls_of_redis_as_they_come(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Every shape that a client understands is taken as it is."""
    monkeypatch.setenv("REDIS_URL", url)
    assert load_settings().redis_url.get_secret_value() == url


def test_levels_are_read_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """`debug` is DEBUG."""
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert load_settings().log_level == "DEBUG"


@pytest.mark.parametrize("code", ["US", "de", "Gb", "001"])
def test_a_country_is_named_by_its_code(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """In any case; a code that is no country's is refused."""
    monkeypatch.setenv("PHONE_REGION", code)
    if code == "001":
        assert "PHONE_REGION" in refusal(monkeypatch)
    else:
        assert load_settings().phone_region == code.upper()


@pytest.mark.parametrize("url", ["mailto:stop@example.org?subject=stop", "https://example.org/stop/{id}?a=b%20c"])
def test_where_to_unsubscribe_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """With the contact's fields in braces."""
    monkeypatch.setenv("MESSAGE_LIST_UNSUBSCRIBE", url)
    assert load_settings().message_list_unsubscribe == url


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as text, nor as a representation, nor as JSON, nor in an error of the settings themselves."""
    for name in ("API_KEY", "API_KEY_PREVIOUS", "MESSAGE_URL", "ALERT_URL"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@host/0")
    settings = load_settings()
    for shown in (str(settings), repr(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert SECRET not in shown
    with pytest.raises(ValueError) as refused:
        Settings.model_validate({"redis_url": SECRET})
    assert SECRET not in str(refused.value)


def test_a_process_ends_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What every process does first says what is wrong, instead of a traceback."""
    monkeypatch.setenv("PORT", "eight")
    with pytest.raises(SystemExit) as ended:
        start_process("worker")
    assert str(ended.value).startswith("Settings are wrong: PORT: ")


@pytest.mark.parametrize(("process", "told"), [("worker", 1), ("scheduler", 0)])
def test_the_former_setting_says_what_it_opens(process: str, told: int) -> None:
    """Once, where bots run; without it there is nothing to say."""
    start = f"from service.startup import start_process; start_process({process!r})"
    environment = os.environ | {"LOG_FORMAT": "text", "PYTHONPATH": str(ROOT)}
    for value, times in (("false", 0), ("true", told)):
        started = subprocess.run(
            [sys.executable, "-c", start],
            env=environment | {"VISITOR_ALLOW_PRIVATE": value},
            capture_output=True,
            text=True,
            check=True,
        )
        said = started.stdout + started.stderr
        for sentence in (
            "VISITOR_ALLOW_PRIVATE opens",
            "metadata services stay closed",
            "Use NETWORK_ALLOW instead",
        ):
            assert said.count(sentence) == times


@pytest.mark.parametrize("document", ["docs/settings.md", ".env.example"])
def test_the_documents_tell_every_setting(document: str) -> None:
    """No setting is a secret of the code."""
    text = (ROOT / document).read_text()
    assert [name for name in NAMES if not re.search(rf"^(\| `|#){name}\b", text, re.MULTILINE)] == []


def test_the_documents_tell_the_defaults() -> None:
    """docs/settings.md and `.env.example` agree with the code."""
    page, example = ((ROOT / name).read_text() for name in ("docs/settings.md", ".env.example"))
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        if default in (None, ()) or name == "redis_url":
            continue
        told = str(default).lower() if isinstance(default, bool) else str(default)
        assert f"| `{name.upper()}` | `{told}` |" in page
        assert f"#{name.upper()}={told}\n" in example


def test_the_documents_are_the_generators() -> None:
    """`make settings-docs` would change nothing, and every setting has a section and a description."""
    assert settings_docs.PAGE.read_text() == settings_docs.page()
    assert settings_docs.EXAMPLE.read_text() == settings_docs.example()
    placed = [name for names in settings_docs.SECTIONS.values() for name in names]
    assert sorted(placed) == sorted([*Settings.model_fields, *settings_docs.ELSEWHERE])
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
