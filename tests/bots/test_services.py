"""Apprise's plugins: what each makes of a contact's address is that address, or nothing is sent."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from apprise import Apprise
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from service.contacts.cleaning import clean_email
from service.domain.people.contact import Contact
from service.messages import ChannelUnavailable, DeliveryFailed, Messenger, announce
from service.messages.addresses import email_to_send
from service.messages.mail_urls import UnusableURL
from service.messages.services import Service
from service.messages.templates import Template
from tests.bots.apprise_urls import NOT_TRIED, URLS
from tests.support.servers.receivers import listening

EMAILS = [
    "o'neil@qd7.example",
    "sean.o'brien@qd7.example",
    "ivan@xn--e1afmkfd.xn--qd7",
    "+ab@qd7.example",
    "ab+@qd7.example",
    "a+b+c@qd7.example",
    "a..b@qd7.example",
    "{x}|y~z@qd7.example",
    "a/b@qd7.example",
    "a=b&c@qd7.example",
    "a#b@qd7.example",
    "a*b!c@qd7.example",
    "A.B@Qd7.Example",
    "a@my_host.qd7.example",
    "x@qd7",
    "plain@qd7.example",
]
PHONES = [
    "+14155550123",
    "+442079460123",
    "+4930123",
    "+123456789012345",
    "+33123456789",
    "+18005550123",
    "+39061234567",
    "+5491123456789",
    "+80012345678",
    "+290123",
]
NAMES = [
    "evil@evil.example,x",
    "Rivers, Amelia",
    "x%0d%0aBODY",
    "%2526",
    "a/b",
    "a;b",
    "a b",
    "#channel",
    "@user",
    "+14155550123",
    "../x",
    "?to=evil",
    "&to=evil@evil.example",
    "é",
    "a:b",
    "",
    "=?utf-8?q?x?=",
    "'",
    '"',
    "\\",
    "a,b,c",
    "[x]",
    "<x>",
]
VALUES = {"email": EMAILS, "phone": PHONES}


def somebody(email: str | None = None, phone: str | None = None) -> Contact:
    """With an address."""
    return Contact(id="1", name="x", emails=(email,) if email else (), phones=(phone,) if phone else ())


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise waits between two requests to one service."""
    monkeypatch.setattr("apprise.url.time.sleep", lambda _: None)


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been said to services over HTTP, decoded; each answers 200. Nothing else gets out."""
    said: list[str] = []

    def answer(_: Any, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        body = request.body or b""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        said.append(unquote(unquote(f"{request.url} {text}").replace("\\/", "/").replace("\\u0027", "'")))
        answered = requests.Response()
        answered.status_code = 200
        answered.raw = HTTPResponse(io.BytesIO(b"{}"), preload_content=False)
        return answered

    def closed(*_: Any, **__: Any) -> None:
        raise OSError("Connection refused")

    monkeypatch.setattr(requests.Session, "send", answer)
    monkeypatch.setattr("socket.socket.connect", closed)
    monkeypatch.setattr("socket.getaddrinfo", closed)
    return said


def fields_of(url: str) -> tuple[str, ...]:
    """The names in braces."""
    return Template(url).fields


def expected_forms(field: str, value: str) -> tuple[str, ...]:
    """How a request may have a value."""
    return (
        (value, value[1:], value[2:])
        if field == "phone" and value.startswith("+1")
        else (value, value.removeprefix("+"))
    )


def test_the_table_has_every_plugin_with_targets() -> None:
    """A release of Apprise with another one fails here."""
    found = set()
    for service in Apprise().details()["schemas"]:
        tokens = service["details"]["tokens"]
        schemas = [*(service["protocols"] or ()), *(service["secure_protocols"] or ())]
        if any(name.startswith("target") for name in tokens):
            found.add(frozenset(schemas))
    tried = {url.partition("://")[0] for url in URLS} | NOT_TRIED
    assert [sorted(schemas) for schemas in found if not schemas & tried] == []


@pytest.mark.parametrize("url", URLS)
def test_each_plugin_keeps_an_ordinary_address(url: str) -> None:
    """It can be used, and what it keeps is what was meant."""
    service = Service(Template(url))
    values = {"email": "plain@qd7.example", "phone": "+14155550123", "id": "a1b2c3d4", "name": "somebody"}
    plugin = service._built({field: values[field] for field in fields_of(url)})
    assert service._misread(plugin, {field: values[field] for field in fields_of(url)}) is None


def test_no_plugin_sends_to_another_target_than_the_one_meant(requested: list[str]) -> None:
    """All plugins with all hostile addresses: a request names the address whole, or is not made."""
    seen: set[str] = set()
    for url in URLS:
        service = Service(Template(url))
        for number in range(max(map(len, VALUES.values()))):
            values = {field: (listed := VALUES.get(field, NAMES))[number % len(listed)] for field in fields_of(url)}
            requested.clear()
            try:
                service.send(values, "s", "b")
            except DeliveryFailed as error:
                if "it reads another one, or none" in str(error):
                    assert requested == [], url
            for field, value in values.items():
                seen |= check(url, field, value, requested)
    assert len(seen) >= 40, "plugins of which it was seen that they reach the address"


def check(url: str, field: str, value: str, requested: list[str]) -> set[str]:
    """Whether every request that has an end of the address has it whole."""
    end = {"email": f"@{value.partition('@')[2]}", "phone": value[-6:]}.get(field)
    if end is None:
        assert all(text.count("evil@evil.example") == text.count(value) for text in requested if "evil@" in value), (
            url,
            value,
        )
        return set()
    whole = expected_forms(field, value)
    for text in requested:
        plain = text.lower() if field == "email" else re.sub(r"(?<=\d)[ -](?=\d)", "", text)
        for match in re.finditer(re.escape(end.lower()), plain):
            before = plain[: match.end()]
            assert before.endswith(tuple(form.lower() for form in whole)), (url, value, text)
            head = before.removesuffix(next(form.lower() for form in whole if before.endswith(form.lower())))
            assert field != "phone" or not head[-1:].isdigit() or head.endswith("00"), (url, value, text)
    return {url} if any(end.lower() in text.lower() for text in requested) else set()


@pytest.mark.parametrize("url", [url for url in URLS if not {"email", "phone"} & set(fields_of(url))])
def test_a_name_reaches_one_target_or_nobody(url: str) -> None:
    """However it is written: the plugin's object has as many targets as it was meant to."""
    service = Service(Template(url))
    samples = dict.fromkeys(fields_of(url), "somebody")
    usual = targets(service._built(samples))
    for name in NAMES:
        values = dict.fromkeys(fields_of(url), name)
        try:
            plugin = service._built(values)
        except UnusableURL:
            continue
        if service._misread(plugin, values) is None:
            assert targets(plugin) == usual, (url, name)


def targets(plugin: Any) -> dict[str, int]:
    """How many there are in each list that a plugin keeps."""
    return {name: len(value) for name, value in vars(plugin).items() if isinstance(value, list | tuple | set | dict)}


_FEW = [
    "sendgrid://abcd:me@example.org/{email}",
    "mailgun://me@example.org/apikey/?to={email}",
    "json://example.org/{email}",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/{email}",
]


@given(
    url=st.sampled_from(_FEW),
    address=st.builds(
        "{}@{}".format,
        st.text(st.sampled_from("aB1'+.-_!#$&*/=?^`{|}~"), min_size=1, max_size=12),
        st.sampled_from(["qd7.example", "xn--qd7.xn--p1ai"]),
    ),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_address_goes_out_whole_or_not_at_all(requested: list[str], url: str, address: str) -> None:
    """For every address that an address book keeps."""
    assume(clean_email(address) == address)
    assert email_to_send(address) == address
    requested.clear()
    try:
        Service(Template(url)).send({"email": address}, "s", "b")
    except DeliveryFailed:
        pass
    check(url, "email", address, requested)


@pytest.mark.parametrize(
    ("url", "contact", "reason"),
    [
        ("sendgrid://abcd:me@example.org/{email}", somebody(email="o'neil@example.org"), "o'neil@example.org"),
        ("sendgrid://abcd:me@example.org/{email}", somebody(email="ab+@example.org"), r"ab\+@example.org"),
        ("signal://localhost/15551231234/{phone}", somebody(phone="+49 (0)30 123"), r"\+4930123"),
        ("signal://localhost/15551231234/{phone}", somebody(phone="020 7946 0000"), "020 7946 0000.*PHONE_REGION"),
        (
            "voipms://password:user@example.org/15551231234/{phone}",
            somebody(phone="+44 20 7946 0000"),
            r"\+442079460000",
        ),
    ],
)
def test_what_a_plugin_cannot_take_is_refused_by_name(
    url: str, contact: Contact, reason: str, requested: list[str]
) -> None:
    """Through the messenger; the channel itself is well."""
    messenger = Messenger(url)
    messenger.check()
    with pytest.raises(DeliveryFailed, match=reason) as failure:
        messenger.deliver(contact, "s", "b")
    assert type(failure.value) is DeliveryFailed and requested == []


@pytest.mark.parametrize("address", ["o'neil@example.org", "ab%2B@example.org", "ivan@xn--e1afmkfd.xn--p1ai"])
@pytest.mark.parametrize("url", ["sendgrid://abcd:me@example.org/{}", "mailgun://me@example.org/apikey/?to={}"])
def test_a_fixed_address_that_is_cut_is_refused(url: str, address: str, requested: list[str]) -> None:
    """As ALERT_URL may have one."""
    with pytest.raises(DeliveryFailed, match=r"reads as another|an invalid address"):
        announce(url.replace("{}", address), "s", "b")
    announce(url.replace("{}", "oneil@example.org"), "s", "b")
    assert len(requested) == 1


@pytest.mark.parametrize(
    ("number", "region", "target"),
    [
        ("(415) 555-0100", "US", "+14155550100"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("+49 (0)30 123456", None, "+4930123456"),
    ],
)
def test_a_phone_number_is_the_target_in_full(number: str, region: str | None, target: str) -> None:
    """As a service really gets it, over HTTP."""
    with listening() as got:
        url = got.address.replace("http://", "json://") + "/{phone}"
        Messenger(url, region).deliver(Contact(id="1", name="x", phones=(number,)), "s", "b")
        assert [unquote(path) for _, path, _, _ in got.got] == [f"/{target}"]


@pytest.mark.parametrize(
    "url",
    ["json://example.org/x?y={phone}", "aprs://DF1JSL-15:12345@{id}", "tgram://123456789:abcdefg_hijklmnop/{phone}"],
)
def test_a_url_of_which_it_cannot_be_told_whom_it_reaches_is_refused_at_the_start(url: str) -> None:
    """By `check`, before any message."""
    with pytest.raises(ChannelUnavailable, match="URL 1 of MESSAGE_URL"):
        Messenger(url).check()
