"""A message goes to exactly the person who is meant, or to nobody: RCPT TO is compared, as the server got it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import idna
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from service.contacts.cleaning import clean_email
from service.domain.people.contact import Contact
from service.messages import ChannelUnavailable, DeliveryFailed, Messenger
from tests.support.servers.mail import post_office
from tests.support.servers.scripted_smtp import ScriptedServer, scripted


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """A mail server that takes everything, and keeps it as it came."""
    with scripted() as running:
        yield running


def sent(server: ScriptedServer, contact: Contact, url: str | None = None, region: str | None = None) -> list[str]:
    """Sends, and says what stood in RCPT TO."""
    server.connections.clear()
    with Messenger(url or server.url, region) as messenger:
        messenger.deliver(contact, "Happy birthday", "All the best\n")
    return server.recipients


def read(server: ScriptedServer) -> EmailMessage:
    """The one message that the server has, as a mail program reads it."""
    (text,) = server.texts
    message = message_from_bytes(text, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def raw(server: ScriptedServer, header: str) -> str:
    """A header's value, unfolded and otherwise as it came. (The newer parser puts blanks between encoded words.)"""
    (text,) = server.texts
    return str(message_from_bytes(text, policy=policy.compat32)[header]).replace("\r\n", "")


def with_email(address: str, name: str = "Somebody") -> Contact:
    """A contact with this address."""
    return Contact(id="1", name=name, emails=(address,))


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ("o'neil@example.org", None),
        ("sean.o'brien@example.org", None),
        ("'quoted'@example.org", None),
        ("o'n'e'il+x@example.org", None),
        ("ivan@xn--e1afmkfd.xn--p1ai", None),
        ("ivan@xn--bcher-kva.xn--fiqs8s", None),
        ("i@sub.xn--80ak6aa92e.com", None),
        ("+ab@example.org", None),
        ("ab+@example.org", None),
        ("+@example.org", None),
        ("a+b+c@example.org", None),
        ("a..b@docomo.example", None),
        (".a.@docomo.example", None),
        ("a/b=c?d&e@example.org", None),
        ("{x}|y~z^w`v!u#t$s*r@example.org", None),
        ("-a_@my_host.example.org", None),
        ("root@localhost", None),
        ("A.B@Example.ORG", None),
        ("a@b.c", None),
        ("name:a".replace(":", ".") + "@1.example", None),
        ("x" * 64 + "@" + ".".join(["y" * 60] * 4) + ".org", None),
        ("jos@bücher.example", "jos@xn--bcher-kva.example"),
        ("jos@BÜCHER.example", "jos@xn--bcher-kva.example"),
        ("o'neil@faß.example", "o'neil@xn--fa-hia.example"),
        ("ivan@пример.рф", "ivan@xn--e1afmkfd.xn--p1ai"),
        ("li@例子。中国", "li@xn--fsqu00a.xn--fiqs8s"),
        ("a@bücher.xn--p1ai", "a@xn--bcher-kva.xn--p1ai"),
    ],
)
def test_rcpt_to_is_the_contacts_address(server: ScriptedServer, address: str, recipient: str | None) -> None:
    """Character by character, but for a domain that is not ASCII; and so is To."""
    assert clean_email(address) == address, "an address book keeps it"
    expected = recipient or address
    assert sent(server, with_email(address)) == [expected]
    assert f"\r\nTo: {expected}\r\n".encode() in server.texts[0]


@pytest.mark.parametrize("where", ["to={email}", "path", "to={name}<{email}>", 'to="{name}" <{email}>', "to=<{email}>"])
@pytest.mark.parametrize("address", ["o'neil@example.org", "+ab+@xn--e1afmkfd.xn--p1ai"])
def test_it_does_not_matter_where_the_url_names_the_address(server: ScriptedServer, where: str, address: str) -> None:
    """In the path or the query, with a name or without."""
    url = server.url.replace("to={email}", where).replace(" ", "%20")
    if where == "path":
        url = server.url.replace("?", "/{email}?").replace("&to={email}", "")
    assert sent(server, with_email(address, "Kim"), url) == [address]


@pytest.mark.parametrize("address", ["o'neil@example.org", "+ab@example.org", "ivan@xn--e1afmkfd.xn--p1ai"])
def test_a_real_mail_server_gets_it_too(address: str) -> None:
    """As aiosmtpd reads it."""
    with post_office() as (post, url):
        Messenger(url).deliver(with_email(address), "s", "b")
        assert post.asked == [address] and post.recipients == [address]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("josé@example.org", "not ASCII"),
        ("иван@пример.рф", "not ASCII"),
        ("o\u2019neil@example.org", "not ASCII"),
        ("a\u200bb@example.org", "not ASCII"),
        ("a\x00b@example.org", "not a valid mailbox name"),
        ("a\x7f@example.org", "not a valid mailbox name"),
        ("a@-ü-.example", "domain is invalid"),
        ("a@☃.example", "domain is invalid"),
        ("a@exa＠mple.ü", "domain is invalid"),
        ("a@" + "ü" * 70 + ".example", "domain is invalid"),
        ("a@b..example", "domain is invalid"),
        ("a@example.org.", "domain is invalid"),
        ("a@exam!ple.org", "domain is invalid"),
        ("a@example.org'", "domain is invalid"),
    ],
)
def test_an_address_that_cannot_go_out_is_refused_by_name(server: ScriptedServer, address: str, reason: str) -> None:
    """The reason names it, and nobody is asked."""
    with pytest.raises(DeliveryFailed) as failure:
        sent(server, with_email(address))
    assert reason in str(failure.value) and server.recipients == []
    assert " ".join(address.split()) in str(failure.value) or not address.isprintable()
    assert type(failure.value) is DeliveryFailed


_LOCAL = st.text(st.sampled_from("abcXYZ019'+.-_!#$&*/=?^`{|}~ßé\u200b\x00"), min_size=1, max_size=64)
_LABEL = st.one_of(
    st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True),
    st.sampled_from(["xn--e1afmkfd", "bücher", "пример", "faß", "☃", "ＥＸ", "a\u200db", "'", "x!y", ""]),
)
_DOMAIN = st.lists(_LABEL, min_size=1, max_size=4).map(".".join)
_ADDRESS = st.one_of(
    st.builds("{}@{}".format, _LOCAL, _DOMAIN),
    st.from_regex(r"[^\s@,;:<>()\[\]\\\"%]{1,12}@[^\s@,;:<>()\[\]\\\"%/?#]{1,20}", fullmatch=True),
    st.emails(),
)


@given(address=_ADDRESS, name=st.text(max_size=30))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rcpt_to_is_the_address_or_nobody_is_asked(server: ScriptedServer, address: str, name: str) -> None:
    """For every address that an address book keeps, whatever its owner is called."""
    kept = clean_email(address)
    assume(kept is not None)
    assert kept is not None
    local, _, domain = kept.rpartition("@")
    url = server.url.replace("{email}", "{name}<{email}>")
    try:
        recipients = sent(server, with_email(kept, name or "x"), url)
    except DeliveryFailed as error:
        assert server.recipients == [] and server.texts == []
        assert type(error) is DeliveryFailed and "cannot get messages" in str(error)
        return
    expected = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    assert recipients == [f"{local}@{expected}"]
    assert len(server.texts) == 1


HOSTILE = [
    "evil@evil.example,x",
    "x,evil@evil.example",
    "Rivers, Amelia",
    'Amelia "Mel" Rivers',
    "back\\slash",
    "x%0d%0a%0d%0aBODY",
    "x\r\n\r\nBODY",
    "x\r\nBcc: evil@evil.example",
    "x%0aBcc:%20evil@evil.example",
    "<evil@evil.example>",
    "x<evil@evil.example>,y",
    "x>\r\nRCPT TO:<evil@evil.example",
    "&to=evil@evil.example",
    "x&bcc=evil@evil.example;cc=evil@evil.example#/?",
    "%26to%3devil@evil.example",
    "%2526",
    "a:b;",
    "(comment) x",
    "=?utf-8?q?evil=40evil=2Eexample=2C?=",
    "=?utf-8?b?ZXZpbA==?= <evil@evil.example>",
    "Ünïcödé " * 20,
    "\u202eevil",
    "\U0001f382" * 60,
    '"',
    "\\",
    ".",
    "0" * 300,
    "{email}",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("template", ["{name}<{email}>", '"{name}"%20<{email}>', "{name}%20<{email}>"])
def test_a_name_is_never_more_than_a_display_name(server: ScriptedServer, name: str, template: str) -> None:
    """It is read back as it was, has one recipient, adds no header and no text."""
    url = server.url.replace("{email}", template) + "&name={name}"
    assert sent(server, with_email("a@example.org", name), url) == ["a@example.org"]
    message = read(server)
    plain = " ".join("".join(char if char.isprintable() or char == "\u202e" else " " for char in name).split())
    for header, address in (("To", "a@example.org"), ("From", "me@example.org")):
        ((found, found_address),) = getaddresses([raw(server, header)])
        assert (str(make_header(decode_header(found))), found_address) == (plain, address)
    assert message.get_content() == "All the best\r\n" and message["Bcc"] is None and message["Cc"] is None
    assert [key for key in message if key.lower() not in KNOWN] == []


KNOWN = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "content-type",
    "content-transfer-encoding",
    "mime-version",
}


@given(name=st.text(min_size=1, max_size=200))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_reaches_anybody_else(server: ScriptedServer, name: str) -> None:
    """Wherever the URL names it: as a display name, in the path of the sender, in a header of its own."""
    url = server.url.replace("{email}", "{name}<{email}>") + "&name={name}&reply={name}<me@example.org>&+X-For={name}"
    assert sent(server, with_email("a@example.org", name), url) == ["a@example.org"]
    head = server.texts[0].partition(b"\r\n\r\n")[0].decode("ascii")
    assert all(len(line) <= 998 for line in head.split("\r\n"))
    keys = re.findall(r"^([!-9;-~]+):", head, re.MULTILINE)
    assert sorted(key.lower() for key in keys) == sorted(KNOWN | {"reply-to", "x-for"})


@pytest.mark.parametrize("given_name", ["evil@evil.example,x", "a b", "a>", "é", 'a"', "a,b", "a;b"])
def test_a_field_that_makes_no_address_is_refused(server: ScriptedServer, given_name: str) -> None:
    """`to={given_name}@corp.example` reaches that mailbox, or nobody."""
    contact = Contact(id="1", name="x", given_name=given_name, emails=())
    url = server.url.replace("{email}", "{given_name}@corp.example")
    with pytest.raises(DeliveryFailed):
        sent(server, contact, url)
    assert server.recipients == []
    assert sent(server, Contact(id="1", name="x", given_name="o'neil"), url) == ["o'neil@corp.example"]


def test_fixed_addresses_are_what_the_setting_says(server: ScriptedServer) -> None:
    """In `to`, `cc`, `bcc`, `from` and `reply`, though Apprise would cut them."""
    url = server.url.replace("from=me", "from=o'me").replace(
        "{email}", "o'a@example.org,\"Rivers, A\" <o'b@bücher.example>"
    )
    sent(
        server,
        with_email("x@example.org"),
        url.replace(" ", "%20") + "&cc=o'c@example.org&bcc=o'd@example.org&reply=o'e@x.org",
    )
    assert [line for line in server.connections[0].commands if line.startswith(("MAIL", "RCPT"))] == [
        "MAIL FROM:<o'me@example.org>",
        "RCPT TO:<o'a@example.org>",
        "RCPT TO:<o'c@example.org>",
        "RCPT TO:<o'd@example.org>",
        "MAIL FROM:<o'me@example.org>",
        "RCPT TO:<o'b@xn--bcher-kva.example>",
        "RCPT TO:<o'c@example.org>",
        "RCPT TO:<o'd@example.org>",
    ]
    assert (
        b'To: "Rivers, A" <o\'b@xn--bcher-kva.example>\r\n' in server.texts[1]
        and b"Reply-To: o'e@x.org" in server.texts[1]
    )


@pytest.mark.parametrize("address", ["josé@example.org", "a b", "nobody", "a@b..c", '"a b"@example.org'])
@pytest.mark.parametrize("option", ["to", "cc", "bcc", "from", "reply"])
def test_a_fixed_address_that_cannot_be_used_is_told_before_anything_is_sent(option: str, address: str) -> None:
    """By `check`, as the doctor and each run do."""
    base = "mailto://127.0.0.1:25?to={email}" + ("" if option == "from" else "&from=me@example.org")
    url = (
        f"{base}&{option}={address.replace(' ', '%20')}"
        if option != "to"
        else base.replace("{email}", address.replace(" ", "%20"))
    )
    with pytest.raises(ChannelUnavailable, match="URL 1 of MESSAGE_URL"):
        Messenger(url).check()


def test_a_phone_number_in_an_address_is_dialled_from_everywhere(server: ScriptedServer) -> None:
    """For gateways from mail to text messages."""
    url = server.url.replace("{email}", "{phone}@sms.example.org")
    contact = Contact(id="1", name="x", phones=("(415) 555-0100",))
    assert sent(server, contact, url, "US") == ["+14155550100@sms.example.org"]
    with pytest.raises(DeliveryFailed, match=r"\(415\) 555-0100.*PHONE_REGION"):
        sent(server, contact, url)
