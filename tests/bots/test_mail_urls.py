"""What a URL of mail means: Apprise's reading of it, pinned, and what is refused rather than passed over."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from apprise import Apprise
from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.templates import EMAIL_TEMPLATES
from hypothesis import given, settings
from hypothesis import strategies as st

from service.messages import announce, why_unusable
from service.messages.apprise_log import ASSET, captured
from service.messages.headers import Mailbox
from service.messages.mail_urls import UnusableURL, fill, fill_mailbox, is_mail, read
from service.messages.templates import FIELDS
from tests.support.servers.mail import Post, post_office

TO = "from=me@example.org&to={email}"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (f"mailto://mx.example.org?{TO}", ("mx.example.org", 25, "insecure", None, None)),
        (f"mailto://127.0.0.1:2525?{TO}", ("127.0.0.1", 2525, "insecure", None, None)),
        (f"mailto://[::1]:2525?{TO}", ("::1", 2525, "insecure", None, None)),
        (f"mailtos://mx.example.org?{TO}", ("mx.example.org", 587, "starttls", None, None)),
        (f"mailtos://mx.example.org?mode=ssl&{TO}", ("mx.example.org", 465, "ssl", None, None)),
        (f"mailto://mx.example.org?mode=starttls&{TO}", ("mx.example.org", 587, "starttls", None, None)),
        (f"mailtos://u:p%2Fw@mx.example.org:2465?mode=SSL&{TO}", ("mx.example.org", 2465, "ssl", "u", "p/w")),
        (f"MAILTOS://u:p@mx.example.org?{TO}", ("mx.example.org", 587, "starttls", "u", "p")),
        (f"mailtos://u:p@example.org?smtp=mx.example.net&{TO}", ("mx.example.net", 587, "starttls", "u", "p")),
        (
            f"mailtos://mx.example.org?user=me@example.org&pass=p&{TO}",
            ("mx.example.org", 587, "starttls", "me@example.org", "p"),
        ),
        ("mailtos://me:p@gmail.com?to={email}", ("smtp.gmail.com", 587, "starttls", "me@gmail.com", "p")),
        ("mailto://me:p@gmail.com?to={email}", ("smtp.gmail.com", 587, "starttls", "me@gmail.com", "p")),
        ("mailtos://me:p@yahoo.com?to={email}", ("smtp.mail.yahoo.com", 465, "ssl", "me@yahoo.com", "p")),
        ("mailtos://me:p@yandex.com?to={email}", ("smtp.yandex.ru", 465, "ssl", "me", "p")),
        ("mailtos://me:p@hotmail.com?to={email}", ("smtp-mail.outlook.com", 587, "starttls", "me@hotmail.com", "p")),
        ("mailtos://me:p@fastmail.com?to={email}", ("smtp.fastmail.com", 465, "ssl", "me@fastmail.com", "p")),
    ],
)
def test_the_server_is_the_one_that_the_url_means(url: str, server: tuple[Any, ...]) -> None:
    """Host, port, mode, user and password; providers that Apprise knows are known."""
    found = read(url).server
    assert (found.host, found.port, found.mode, found.user, found.password) == server
    assert found.verify and (found.connect_timeout, found.answer_timeout) == (30.0, 30.0)
    assert "p%2Fw" not in repr(found) and "p/w" not in repr(found)


def test_every_provider_of_apprises_is_read_as_apprise_reads_it() -> None:
    """All its templates: the same server as its own object has."""
    for domain in (
        "gmail.com",
        "yandex.com",
        "hotmail.com",
        "live.com",
        "outlook.com",
        "office365.com",
        "yahoo.com",
        "fastmail.com",
        "zoho.com",
        "sendgrid.com",
        "163.com",
        "foxmail.com",
        "comcast.net",
        "qq.com",
    ):
        url = f"mailtos://me:p@{domain}?from=me@example.org&to=a@example.org"
        plugin: Any = Apprise.instantiate(url, asset=ASSET)
        found = read(url)
        assert (found.server.host, found.server.port, found.server.mode) == (
            plugin.smtp_host,
            plugin.port,
            plugin.secure_mode,
        )
        assert (found.server.user, found.server.password) == (plugin.user, plugin.password)
    assert len(EMAIL_TEMPLATES) == 16, "look at those that are new"


def test_what_is_read_from_apprises_object_is_there() -> None:
    """The attributes and the parser's keys that `mail_urls` uses."""
    url = "mailtos://u:p@mx.example.org:99/a@example.org?from=Me<me@example.org>&cc=b@example.org&verify=no&cto=3&rto=4&tz=Europe/Berlin&+X-A=1"
    parsed: Any = NotifyEmail.parse_url(url)  # type: ignore[no-untyped-call]
    assert parsed["targets"] == ["a@example.org"] and parsed["headers"] == {"X-A": "1"}
    assert parsed["qsd"]["from"] == "Me<me@example.org>" and parsed["qsd"]["cc"] == "b@example.org"
    found = read(url)
    assert (found.server.verify, found.server.connect_timeout, found.server.answer_timeout) == (False, 3.0, 4.0)
    assert str(found.zone) == "Europe/Berlin" and found.headers == {"X-A": "1"}


@pytest.mark.parametrize(
    ("options", "sender"),
    [
        ("from=me@example.org", Mailbox("me@example.org")),
        ("from=Bot%20<me@example.org>", Mailbox("me@example.org", "Bot")),
        ("from=me@example.org&name=J%C3%BCrgen%20K", Mailbox("me@example.org", "Jürgen K")),
        ('from="Bot, The"%20<o\'me@example.org>', Mailbox("o'me@example.org", "Bot, The")),
        ("from=Bot", Mailbox("u@mx.example.org", "Bot")),
        ("name=Bot", Mailbox("u@mx.example.org", "Bot")),
        ("", Mailbox("u@mx.example.org", "Bot Scheduler")),
    ],
)
def test_the_sender_is_what_from_and_name_say(options: str, sender: Mailbox) -> None:
    """Else the user of the server."""
    assert read(f"mailto://u@mx.example.org?to={{email}}&{options}").sender == sender


@pytest.mark.parametrize(
    ("where", "to"),
    [
        ("?to=a@example.org", [Mailbox("a@example.org")]),
        ("/a@example.org/b@example.org?", [Mailbox("a@example.org"), Mailbox("b@example.org")]),
        ("?to=a@example.org,b@example.org", [Mailbox("a@example.org"), Mailbox("b@example.org")]),
        ("?to=a@example.org%20b@example.org", [Mailbox("a@example.org"), Mailbox("b@example.org")]),
        (
            '/c@example.org?to="A, B"<a@example.org>,D%20<d@example.org>',
            [
                Mailbox("c@example.org"),
                Mailbox("a@example.org", "A, B"),
                Mailbox("d@example.org", "D"),
            ],
        ),
        ("?to=Ann+<a@example.org>", [Mailbox("a@example.org", "Ann")]),
        ("?", [Mailbox("me@example.org")]),
    ],
)
def test_recipients_stand_in_the_path_and_in_to(where: str, to: list[Mailbox]) -> None:
    """Without any, the sender."""
    assert list(read(f"mailto://mx.example.org{where}&from=me@example.org".replace("?&", "?")).to) == to


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("pgp=sign", "pgp"),
        ("pgppub=/k", "pgppub"),
        ("wkd=yes", "wkd"),
        ("inline=yes", "inline"),
        ("emojis=yes", "emojis"),
        ("retry=3", "retry"),
        ("wait=1", "wait"),
        ("store=no", "store"),
        ("redirect=no", "redirect"),
        ("form=x", "form"),
        ("{name}=x", "{name}"),
        ("-x=1", "-x"),
        ("to=b@example.org", "to more than once"),
        ("TO=b@example.org", "more than once"),
        ("from=x@example.org", "from more than once"),
        ("format=markdown", "format="),
        ("overflow=split", "overflow="),
        ("mode=none", "secure mode"),
        ("tz=Nowhere/Land", "timezone"),
        ("+Subject=x", "Subject"),
        ("+bcc=x", "bcc"),
        ("+X-{name}=x", "header"),
        ("cto=soon", "cto="),
        ("rto=0", "rto="),
        ("rto=-1", "rto="),
        ("cto=inf", "cto="),
        ("port=x", "port"),
        ("port=0", "port"),
        ("port=65536", "port"),
        ("+X%0d%0aBcc=x", "header"),
        ("smtp={name}.example.org", "in its server or sign-in part"),
        ("cc=<a@example.org", "list of addresses"),
        ('cc="a@example.org', "list of addresses"),
        ("cc=a<b>c", "list of addresses"),
    ],
)
def test_an_option_that_is_not_understood_is_refused(option: str, reason: str) -> None:
    """And named, where Apprise passes over it."""
    with pytest.raises(UnusableURL) as refused:
        read(f"mailto://mx.example.org?{TO}&{option}")
    assert reason in str(refused.value)


@pytest.mark.parametrize("option", ["mode=none", "tz=Nowhere/Land", "from=", "port=x"])
def test_a_refusal_tells_no_password(option: str) -> None:
    """Though Apprise logs the whole of what it was given."""
    reason = why_unusable(f"mailto://someuser:s3cr3t-word@x?{option}&to=a@example.org", "mailto://x")
    assert reason is None or ("s3cr3t" not in reason and "someuser" not in reason)


@pytest.mark.parametrize(
    "url", ["mailto://", "mailto://mx.example.org?to={email}", "mailto://u:{email}@mx.example.org?to=a@b.c"]
)
def test_a_url_that_names_no_server_or_sender_is_refused(url: str) -> None:
    """As Apprise refuses it; a contact's field is no password."""
    with pytest.raises(UnusableURL):
        read(url)


def test_a_mail_server_gets_what_the_options_say() -> None:
    """Headers and HTML, through a real one."""
    kept = Post()
    with post_office(kept) as (post, url):
        announce(
            url.replace("{email}", "a@example.org") + "&format=html&+X-Color=blue&reply=Desk<desk@example.org>",
            "s",
            "a\nb\n",
        )
    (message,) = post.messages
    assert (message["X-Color"], message["Reply-To"]) == ("blue", "Desk <desk@example.org>")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


_TEXT = st.text(max_size=30)


@given(values=st.fixed_dictionaries(dict.fromkeys(FIELDS, _TEXT)))
@settings(max_examples=80, deadline=None)
def test_a_field_changes_nothing_but_its_own_place(values: dict[str, str]) -> None:
    """Whatever it holds: server, options and the number of recipients are those of the URL."""
    url = "mailto://mx.example.org:99/{id}@example.org?from={name}<me@example.org>&to={email}&cc={family_name}<c@example.org>&+X-A=<{url}>"
    found = read(url)
    assert fill(found.sender.name, values) == values["name"]
    assert fill(found.to[0].address, values) == f"{values['id']}@example.org"
    assert fill(found.to[1].address, values) == values["email"]
    assert fill_mailbox(found.copies[0], values) == Mailbox("c@example.org", values["family_name"])
    assert fill(found.headers["X-A"], values) == f"<{values['url']}>"
    assert (found.server.host, found.server.port, len(found.to), len(found.copies)) == ("mx.example.org", 99, 2, 1)


def test_urls_of_mail_are_told_from_others() -> None:
    """By their scheme, in any case."""
    assert [is_mail(url) for url in ("mailto://x", "MailTos://x", "json://x", "mailtox://x", quote("mailto://x"))] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_what_apprise_logs_stays_with_whoever_sends(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of it reaches other loggers."""
    with captured() as lines:
        read(f"mailto://mx.example.org?{TO}")
    assert [record for record in caplog.records if record.name.startswith("apprise")] == [] or lines is not None
