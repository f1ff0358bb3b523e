"""The secrets of a run: which it gets, which are refused, and what is left in the environment."""

from __future__ import annotations

import base64

import pytest

from service.bots.support.bot_settings import BotSettings, UndeclaredSetting
from service.bots.support.secrets import (
    SecretMissing,
    SecretRefused,
    Secrets,
    Vault,
    is_declarable,
    is_misnamed,
    is_named,
    names_in,
    problem,
    signing_key,
)
from service.settings import Settings

URL = "https://hooks.example.org/in"


def opened(*declared: str, **environment: str) -> Secrets:
    """The secrets of a run whose job names all that there are."""
    return Vault(environment).opened().allow(environment, declared)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (" ", "is empty"),
        ("\n", "is empty"),
        ("sesame\n", "ends with a line break, as files do"),
        ("sesame\r\n", "ends with a line break, as files do"),
        ("sesame ", "ends with white space"),
        ("sesame\t", "ends with white space"),
        ("\u00a0sesame", "begins with white space"),
        (" sesame", "begins with white space"),
        ("ses\name", "control character"),
        ("ses\x00ame", "control character"),
        ("ses\x1bame", "control character"),
        ("ses\x7fame", "control character"),
        ("ses\u2028ame", "control character"),
        ("ses\udcffame", "is not UTF-8"),
    ],
)
def test_a_malformed_value_is_refused_by_its_variable(value: str, told: str) -> None:
    """The sentence says what is wrong, and shows nothing of the value."""
    with pytest.raises(SecretRefused, match=f"^BOT_SECRET_X {told}|^BOT_SECRET_X .*{told}") as refusal:
        opened(BOT_SECRET_X=value).text("env:BOT_SECRET_X", URL)
    assert "ame" not in str(refusal.value)


@pytest.mark.parametrize("value", ["sesame", "se same", "sésame", "a", "https://hooks.example.org/x", "ses;ame=="])
def test_a_well_formed_value_is_had(value: str) -> None:
    """As it is."""
    assert problem(value) is None
    assert opened(BOT_SECRET_X=value).text("env:BOT_SECRET_X", URL) == value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("whsec_", "24 to 64 bytes, not 0"),
        ("whsec_%%%", "not base64"),
        ("whsec_sesame sesame", "not base64"),
        ("whsec_c2VzYW1l", "24 to 64 bytes, not 6"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64 bytes, not 23"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64 bytes, not 65"),
        ("whsec_" + base64.b64encode(bytes(25)).decode().rstrip("="), "not base64"),
        ("whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(), "not base64"),
    ],
)
def test_a_malformed_signing_secret_is_refused(value: str, told: str) -> None:
    """By Standard Webhooks it is 24 to 64 bytes in base64; an empty key would sign for everybody."""
    with pytest.raises(SecretRefused, match=f"BOT_SECRET_X is not a signing secret.*{told}") as refusal:
        signing_key("BOT_SECRET_X", value)
    assert value.removeprefix("whsec_") in ("",) or value.removeprefix("whsec_") not in str(refusal.value)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_signing_secret_is_decoded_and_another_key_taken_as_it_is(size: int) -> None:
    """Of each size that is allowed."""
    assert signing_key("BOT_SECRET_X", "whsec_" + base64.b64encode(bytes(size)).decode()) == bytes(size)
    assert signing_key("BOT_SECRET_X", "geheim") == b"geheim"


def test_a_run_gets_what_its_job_names_and_no_other() -> None:
    """What no name is, is itself; one that is not set is told apart."""
    secrets = Vault({"BOT_SECRET_A": "sesame-a", "BOT_SECRET_B": "sesame-b"}).opened()
    secrets.allow(names_in({"deep": [{"header": "env:BOT_SECRET_A"}, "env:BOT_SECRET_UNSET"], "env:BOT_SECRET_B": 1}))
    assert secrets.text("env:BOT_SECRET_A", URL) == "sesame-a" and secrets.text("as it is", URL) == "as it is"
    with pytest.raises(
        SecretRefused, match="BOT_SECRET_B is named neither in the job's bot_config nor in the bot's uses_settings"
    ):
        secrets.text("env:BOT_SECRET_B", URL)
    with pytest.raises(SecretMissing, match="BOT_SECRET_UNSET is not set where the worker runs"):
        secrets.text("env:BOT_SECRET_UNSET", URL)


def test_what_a_bot_declares_it_gets_without_a_name_in_the_job() -> None:
    """A secret of its own."""
    secrets = Vault({"BOT_SECRET_A": "sesame-a"}).opened().allow((), ["BOT_SECRET_A"])
    assert secrets.text("env:BOT_SECRET_A", None) == "sesame-a"


@pytest.mark.parametrize(
    "value",
    ["env:BOT_SECRT_X", "env:HOME", "env:API_KEY", "env:", "env:BOT_SECRET_", "env:BOT_SECRET_X_HOSTS", "env: a"],
)
def test_what_is_written_as_a_name_and_names_no_secret_is_refused(value: str) -> None:
    """A slip is not sent in place of the secret; other texts are themselves."""
    secrets = opened(BOT_SECRET_X="sesame", HOME="/home", BOT_SECRET_A_HOSTS="hooks.example.org")
    with pytest.raises(SecretRefused, match=r"is not the name of a secret: name one as env:BOT_SECRET_…") as refusal:
        secrets.text(value, URL)
    assert value in str(refusal.value) and "/home" not in str(refusal.value)
    with pytest.raises(SecretRefused, match="is not the name of a secret"):
        secrets.address(value)
    for other in ("environment:HOME", "ENV:HOME", "sesame env:HOME", ""):
        assert secrets.text(other, URL) == secrets.address(other) == other


def test_a_list_of_hosts_is_no_secret() -> None:
    """Its name is no name of one, so that no bot sends it anywhere."""
    assert not is_named("env:BOT_SECRET_A_HOSTS") and is_misnamed("env:BOT_SECRET_A_HOSTS")
    assert not is_declarable("BOT_SECRET_A_HOSTS") and is_declarable("BOT_SECRET_A") and is_declarable("MESSAGE_URL")


@pytest.mark.parametrize("url", [None, "https://evil.example/", "https://example.org/", "smtp://hooks.example.com:25"])
def test_a_bound_secret_goes_nowhere_else(url: str | None) -> None:
    """Not to another host, and not to one that the bot does not tell."""
    secrets = opened(BOT_SECRET_X="sesame-open", BOT_SECRET_X_HOSTS="hooks.example.org")
    assert secrets.text("env:BOT_SECRET_X", URL) == "sesame-open"
    with pytest.raises(SecretRefused, match=r"BOT_SECRET_X may not be sent to .*: BOT_SECRET_X_HOSTS does not list it"):
        secrets.text("env:BOT_SECRET_X", url)


def test_an_address_that_is_a_bound_secret_must_lead_to_its_own_hosts() -> None:
    """Where it leads is read from itself."""
    hosts = {"BOT_SECRET_X_HOSTS": "hooks.example.org"}
    assert opened(BOT_SECRET_X=URL, **hosts).address("env:BOT_SECRET_X") == URL
    with pytest.raises(SecretRefused, match="BOT_SECRET_X may not be sent"):
        opened(BOT_SECRET_X="https://evil.example/", **hosts).address("env:BOT_SECRET_X")


def test_results_are_rid_of_what_the_run_used_and_of_all_long_ones() -> None:
    """Of short ones that it did not use it may know nothing: they stand there by chance. Errors are rid of all."""
    environment = {"BOT_SECRET_USED": "sesame", "BOT_SECRET_PIN": "4711", "BOT_SECRET_LONG": "0123456789abcdef"}
    secrets = opened(**environment, BOT_SECRET_OTHER="unused")
    for name in ("USED", "PIN"):
        secrets.text(f"env:BOT_SECRET_{name}", None)
    result = {"sesame": "sesame", "pin": "4711", "long": "0123456789abcdef", "other": "unused"}
    assert secrets.redacted_result(result) == {
        "sesame": "[BOT_SECRET_USED]", "pin": "[BOT_SECRET_PIN]", "long": "[BOT_SECRET_LONG]", "other": "unused",
    }  # fmt: skip
    assert secrets.redacted_result(None) is None
    assert secrets.redacted("unused sesame") == "[BOT_SECRET_OTHER] [BOT_SECRET_USED]"


def test_what_is_secret_is_taken_out_of_the_environment() -> None:
    """All of our secret settings, every BOT_SECRET_, and another name for the same address; nothing else."""
    redis = "rediss://default:0123456789abcdef@redis.example.org:6379/0"
    kept = {"PATH": "/bin", "DATABASE_URL": "postgres://other", "LOG_LEVEL": "INFO", "BOT_SCHEDULER_URL": "http://x"}
    taken = {
        "API_KEY": "k", "API_KEY_PREVIOUS": "p", "REDIS_URL": redis, "MESSAGE_URL": "m", "ALERT_URL": "a",
        "CONTACTS_URL": "c", "BOT_SECRET_X": "x", "BOT_SECRET_X_HOSTS": "h.example",
    }  # fmt: skip
    environment = kept | taken | {"HEROKU_REDIS_AMBER_URL": redis}
    vault = Vault.taken_out_of(environment)
    assert environment == kept and vault.environment == taken


def test_a_bot_reads_the_settings_that_are_public_and_those_that_it_declares() -> None:
    """Of another it is told to declare it; what is no setting is an AttributeError, and nothing can be changed."""
    settings = BotSettings(
        Settings.model_validate({"message_url": "json://x", "redis_url": "redis://h"}), "b", ["MESSAGE_URL"]
    )
    assert settings.message_url.get_secret_value() == "json://x" and settings.visitor_allow_private is False
    for name in ("api_key", "api_key_previous", "redis_url", "alert_url", "contacts_url"):
        with pytest.raises(UndeclaredSetting, match=f"The bot b must list {name.upper()} in its uses_settings"):
            getattr(settings, name)
        assert getattr(settings, name, None) is None and name not in vars(settings)
    with pytest.raises(AttributeError, match="no setting"):
        _ = settings.nothing
    with pytest.raises(AttributeError, match="do not change"):
        settings.port = 1
