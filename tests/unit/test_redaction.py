"""Secrets are found in whatever form they come, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import reprlib
import textwrap
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.secrecy import redaction
from service.secrecy.redaction import SHORTEST, Redaction
from service.secrecy.secret_values import UNMISTAKABLE

ASIDE = "\u2591"
"""A character of texts around a secret, and of no secret."""
SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters=ASIDE),
    min_size=SHORTEST,
    max_size=40,
)
AROUND = st.text(st.sampled_from(f"{ASIDE} \n"), max_size=20)
Form = Callable[[str], str]


def _percent_lower(text: str) -> str:
    return "".join(part.lower() if part.startswith("%") else part for part in _percents(quote(text, safe="")))


def _percents(text: str) -> list[str]:
    parts, at = [], 0
    while at < len(text):
        size = 3 if text[at] == "%" else 1
        parts.append(text[at : at + size])
        at += size
    return parts


FORMS: dict[str, Form] = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "urlsafe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "unpadded": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
    "lower hex": _percent_lower,
    "quoted base64": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "quoted twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not ascii": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json twice": lambda text: json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1],
    "html": html.escape,
    "html, but quotes": lambda text: html.escape(text, quote=False),
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "latin-1": lambda text: text.encode().decode("latin-1"),
}


@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_a_secret_is_found_in_every_form_wherever_it_stands(form: str, secret: str, before: str, after: str) -> None:
    """The name stands instead, what is around it stays, and to do it again changes nothing."""
    found = Redaction.of({"BOT_SECRET_X": secret})
    text = found.applied(before + FORMS[form](secret) + after)
    assert text == f"{before}[BOT_SECRET_X]{after}"
    assert found.applied(text) == text


@given(secret=SECRETS, before=st.binary(max_size=8), after=st.binary(max_size=8), padded=st.booleans())
def test_a_secret_within_longer_base64_is_found(secret: str, before: bytes, after: bytes, padded: bool) -> None:
    """At each of the three alignments, as in Basic authentication; only what belongs to others is left."""
    assume(
        (before + secret.encode() + after).find(secret.encode()) == len(before)
    )  # else it may be found elsewhere, too
    for encoded in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encoded(before + secret.encode() + after).decode()
        told = Redaction.of({"BOT_SECRET_X": secret}).applied(whole if padded else whole.rstrip("="))
        left, name, right = told.partition("[BOT_SECRET_X]")
        assert name
        assert len(left) <= len(before) * 8 // 6 and len(right.rstrip("=")) <= len(after) * 8 // 6 + 1


@given(text=st.text(max_size=200), secret=SECRETS)
def test_a_text_without_secrets_is_unchanged(text: str, secret: str) -> None:
    """Whatever it is."""
    if not any(FORMS[form](secret)[:SHORTEST] in text for form in FORMS):
        assert Redaction.of({"BOT_SECRET_X": f"{ASIDE}{secret}"}).applied(text) == text


@given(st.lists(SECRETS, min_size=1, max_size=6, unique=True), st.lists(st.integers(0, 5), max_size=12), AROUND)
def test_many_secrets_at_once_leave_none(secrets: list[str], order: list[int], between: str) -> None:
    """However they stand beside each other, and also where one is a part of another."""
    environment = {f"BOT_SECRET_N{number}": secret for number, secret in enumerate(secrets)}
    known = Redaction.of(environment)
    told = known.applied(f"{between}{ASIDE}".join(secrets[number % len(secrets)] for number in order))
    for name in environment:
        told = told.replace(f"[{name}]", "")
    assert not any(secret in told for secret in secrets)
    assert set(told) <= set(between + ASIDE)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("REDIS_URL", "rediss://default:red%2Dis-pass@redis.example.org:6379/0", "red-is-pass"),
        ("REDIS_URL", "rediss://default:red%2Dis-pass@redis.example.org:6379/0", "red%2Dis-pass"),
        ("MESSAGE_URL", "mailtos://me:mail-pass@smtp.example.org?to={email}", "mail-pass"),
        ("MESSAGE_URL", "mailtos://smtp.example.org?user=me&pass=mail%20pass", "mail pass"),
        ("ALERT_URL", "json://a.example.org tgram://123456789:AAF1b2c3d4e5/1/", "AAF1b2c3d4e5"),
        ("CONTACTS_URL", "https://ada:dav-pass@dav.example.org/", "ada:dav-pass"),
        ("API_KEY", "https://odd-key", "https://odd-key"),
        ("BOT_SECRET_X", "Bearer abc-def-ghi", "abc-def-ghi"),
        ("BOT_SECRET_X", f"Basic {base64.b64encode(b'ada:basic-pass').decode()}", "basic-pass"),
        ("BOT_SECRET_X", "whsec_c2VjcmV0c2VjcmV0", "c2VjcmV0c2VjcmV0"),
        ("BOT_SECRET_X", "https://h.example.org/services/a-long-closed-door", "a-long-closed-door"),
        ("BOT_SECRET_X", "sesame-open\n", "sesame-open"),
        ("BOT_SECRET_X", "-----BEGIN-----\nMIIEvQIBADANBgkqhkiG\n-----END-----", "MIIEvQIBADANBgkqhkiG"),
    ],
)
def test_what_is_secret_within_a_setting_is_found_alone(setting: str, value: str, told: str) -> None:
    """A password of a URL, a token, what follows a scheme or a prefix, a line."""
    assert Redaction.of({setting: value}).applied(f"it is {told}, then") == f"it is [{setting}], then"


def test_an_address_that_a_run_used_is_found_by_its_path_too() -> None:
    """As the receiver's own messages name it; lines of others keep words such as /webhook."""
    environment = {"BOT_SECRET_X": "https://h.example.org/webhook?a=b", "BOT_SECRET_Y": "https://h.example.org/webhook"}
    used = Redaction.of(environment, UNMISTAKABLE, {"BOT_SECRET_X", "BOT_SECRET_Y"})
    assert used.applied("no POST /webhook?a=b; GET /webhook") == "no POST [BOT_SECRET_X]; GET [BOT_SECRET_Y]"
    assert Redaction.of(environment).applied("no POST /webhook?a=b") == "no POST /webhook?a=b"


@pytest.mark.parametrize(
    "secret", ["\\" * 40 + "x", "sesame" + "\\" * 40 + "x", "/\"'" * 20, "a" + "/" * 60, "=" * 40, "%" * 40]
)
def test_no_text_takes_long_however_odd_the_secret(secret: str) -> None:
    """A receiver chooses the text; looking for 40 of a kind in thousands of them ends."""
    known = Redaction.of({"BOT_SECRET_X": secret})
    for char in set(secret):
        text = (secret[:-1] + char) * 50 + char * 5000
        assert isinstance(known.applied(text), str)
    assert known.applied(f"({secret})") == "([BOT_SECRET_X])"
    assert known.applied(json.dumps(secret)) == '"[BOT_SECRET_X]"'


def test_what_is_public_stays() -> None:
    """Addresses without a password, users, hosts, lists of hosts, other variables, and what is short."""
    environment = {
        "REDIS_URL": "redis://default@127.0.0.1:6379/0", "CONTACTS_URL": "https://dav.example.org/books/",
        "BOT_SECRET_X_HOSTS": "hooks.example.org", "PATH": "/usr/local/bin", "BOT_SECRET_X": "short",
        "MESSAGE_URL": "mailtos://somebody@smtp.example.org",
    }  # fmt: skip
    text = "redis://default@127.0.0.1:6379/0 https://dav.example.org/books/ hooks.example.org /usr/local/bin short"
    text += " default somebody smtp.example.org"
    assert Redaction.of(environment).applied(text) == text


def test_a_short_secret_is_replaced_only_where_it_is_all_that_there_is() -> None:
    """And only for a run that used it: no word of others is blanked."""
    environment = {"BOT_SECRET_PIN": "4711", "BOT_SECRET_A": "a"}
    used = Redaction.of(environment, UNMISTAKABLE, {"BOT_SECRET_PIN", "BOT_SECRET_A"})
    assert [used.applied(text) for text in ("4711", "a", "a 4711 cat")] == [
        "[BOT_SECRET_PIN]",
        "[BOT_SECRET_A]",
        "a 4711 cat",
    ]
    assert Redaction.of(environment).applied("4711") == "4711"


def test_a_result_keeps_its_keys_and_other_values_however_deep_it_is() -> None:
    """Numbers, keys and what is short and was not used stay; the deepest text is found."""
    environment = {"BOT_SECRET_LONG": "0123456789abcdef", "BOT_SECRET_USED": "sesame", "BOT_SECRET_OTHER": "unused-one"}
    known = Redaction.of(environment, UNMISTAKABLE, {"BOT_SECRET_USED"})
    deep: Any = ["x sesame"]
    for _ in range(5000):
        deep = [deep]
    result = {
        "sesame": 1,
        "n": [None, True, 1.5, {"0123456789abcdef": "0123456789abcdef"}],
        "s": "unused-one",
        "d": deep,
    }
    known.apply_to(result)
    assert result["sesame"] == 1 and result["s"] == "unused-one"
    assert result["n"] == [None, True, 1.5, {"0123456789abcdef": "[BOT_SECRET_LONG]"}]
    while isinstance(deep, list):
        (deep,) = deep
    assert deep == "x [BOT_SECRET_USED]"


def test_names_that_stand_instead_are_no_secrets_themselves() -> None:
    """Also where a secret is a word of a name."""
    known = Redaction.of({"BOT_SECRET_X": "sesame-open", "BOT_SECRET_Y": "SECRET"})
    told = known.applied("sesame-open SECRET")
    assert told == "[BOT_SECRET_X] [BOT_SECRET_Y]" == known.applied(told)


def test_a_process_keeps_the_secrets_of_the_environment_that_it_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """In texts and in whatever can be shown as JSON, which is left as it is itself."""
    monkeypatch.setattr(redaction, "_present", Redaction({}))
    redaction.install({"API_KEY": "sesame-open"})
    given = {"a": ["sesame-open", 1], "b": {"c": b"sesame-open"}}
    assert redaction.redacted("x sesame-open") == "x [API_KEY]"
    assert redaction.redacted_json(given) == {"a": ["[API_KEY]", 1], "b": {"c": "b'[API_KEY]'"}}
    assert given["a"] == ["sesame-open", 1]


ENCODED: dict[str, Form] = {
    "everything": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "everything twice": lambda text: "".join(f"%25{byte:02x}" for byte in text.encode()),
    "a letter": lambda text: f"{quote(text[:2], safe='')}%{ord(text[2]):02X}{quote(text[3:], safe='')}",
    "base64": lambda text: "".join(f"%{byte:02x}" for byte in base64.b64encode(text.encode())),
}


@pytest.mark.parametrize("form", ENCODED)
@given(secret=st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=SHORTEST, max_size=40))
def test_a_secret_that_is_encoded_without_need_is_found(form: str, secret: str) -> None:
    """Each percent-encoded character means the same as it does unencoded."""
    told = Redaction.of({"BOT_SECRET_X": secret}).applied(f"{ASIDE}{ENCODED[form](secret)}{ASIDE}")
    assert "[BOT_SECRET_X]" in told
    assert len(told.replace("[BOT_SECRET_X]", "")) <= 6, "an encoded character may look like an unencoded one"


SECRET = "some-long-secret-value-0123456789-tail"


def _mail_lines(data: bytes) -> str:
    return base64.encodebytes(data).decode()


@pytest.mark.parametrize("padding", [0, 40, 45, 50, 56, 57])
@pytest.mark.parametrize(
    "write",
    [
        _mail_lines,
        lambda data: _mail_lines(data).replace("\n", "\r\n"),
        lambda data: "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64)),
        lambda data: "\n  ".join(textwrap.wrap(base64.urlsafe_b64encode(data).decode(), 76)),
        lambda data: json.dumps({"mail": _mail_lines(data)}),
        lambda data: repr(base64.encodebytes(data)),
    ],
)
def test_base64_that_is_broken_into_lines_is_found(write: Callable[[bytes], str], padding: int) -> None:
    """As MIME and PEM break it, and as JSON and Python write such breaks, wherever the secret lies in it."""
    told = Redaction.of({"BOT_SECRET_X": SECRET}).applied(write(b"x" * padding + SECRET.encode() + b" and so on" * 9))
    assert "[BOT_SECRET_X]" in told


def test_lines_are_joined_only_where_a_secret_is_found() -> None:
    """Any other text stays as it is, also what was encoded without need."""
    known = Redaction.of({"BOT_SECRET_X": SECRET})
    for text in ("a" * 76 + "\n" + "b" * 76 + "\n", "%41%2E", f"{SECRET[:5]}%41"):
        assert known.applied(text) == text


def _pydantic(value: object) -> str:
    with pytest.raises(ValidationError) as failure:
        TypeAdapter(int).validate_python(value)
    return str(failure.value)


@pytest.mark.parametrize(
    "text",
    [
        reprlib.repr(SECRET * 2),
        reprlib.repr(SECRET),
        _pydantic("x" * 20 + SECRET),
        _pydantic(SECRET * 2),
        _pydantic({"authorization": "Bearer " + SECRET}),
        f"the key {SECRET[:9]}… is refused",
        f"the key …{SECRET[-9:]} is refused",
        f"{SECRET[:3]}......{SECRET[-3:]}",
        f"{SECRET[:4]}...{SECRET[-4:]} and {SECRET[:7]}...{SECRET[-7:]}",
    ],
)
def test_the_ends_of_a_secret_whose_middle_was_left_out_are_found(text: str) -> None:
    """As libraries shorten what they quote; no piece of it is left."""
    told = Redaction.of({"BOT_SECRET_X": SECRET}).applied(text)
    assert "[BOT_SECRET_X]" in told
    assert not any(SECRET[at : at + 6] in told for at in range(len(SECRET) - 5))
    assert Redaction.of({"BOT_SECRET_X": SECRET}).applied(told) == told


def test_a_signing_secret_that_was_shortened_is_found() -> None:
    """What comes before its own part is no secret, and stays."""
    known = Redaction.of({"BOT_SECRET_X": "whsec_aG9vayBzZWNyZXQgaG9vayBTRUNSRFiE="})
    assert known.applied("input_value='whsec_aG9v...NSRFiE='") == "input_value='whsec_[BOT_SECRET_X]'"
    assert known.applied("whsec_... or so") == "whsec_... or so"


@pytest.mark.parametrize("text", ["so...", "https://...", "...", "…", "some...what", "a..." * 50, "so...il"])
def test_dots_beside_other_words_stay(text: str) -> None:
    """Fewer characters of a secret than six are words."""
    known = Redaction.of({"BOT_SECRET_X": SECRET, "BOT_SECRET_Y": "https://example.org/a-long-closed-door"})
    assert known.applied(text) == text
