"""Messages through Apprise: where they go, and what is told when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from service.domain.people.contact import Contact
from service.errors import ChannelUnavailable, DeliveryFailed
from service.messages import DeliveryUncertain, Messenger, announce, destination
from tests.support.processes import find_free_port
from tests.support.servers.mail import Post
from tests.support.servers.receivers import listening

AMELIA = Contact(id="1", name="Amelia Rivers", emails=("amelia+friends@example.org", "other@example.org"))


def to(address: str) -> Contact:
    """Somebody with this address."""
    return Contact(id="1", name="Somebody", emails=(address,))


def test_a_message_arrives_as_it_was_written(office: tuple[Post, str]) -> None:
    """Plain text, once, to the first address, with every character."""
    post, url = office
    Messenger(url).deliver(AMELIA, "Grüße, Amelia!", "Liebe Amelia,\n\n<b>50 % & mehr</b> ✓\n")
    (message,) = post.messages
    assert message["To"] == "amelia+friends@example.org"
    assert message["Subject"] == "Grüße, Amelia!"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n").strip() == "Liebe Amelia,\n\n<b>50 % & mehr</b> ✓"


def test_a_refused_recipient_is_told_with_the_servers_reason(office: tuple[Post, str]) -> None:
    """Others can still be reached."""
    post, url = office
    messenger = Messenger(url)
    with pytest.raises(DeliveryFailed, match="refused the recipient: 550 no such user here") as failure:
        messenger.deliver(to("bad@example.org"), "s", "b")
    assert not isinstance(failure.value, (ChannelUnavailable, DeliveryUncertain))
    with pytest.raises(DeliveryFailed, match="refused the message: 554 looks like spam"):
        messenger.deliver(to("spam@example.org"), "s", "b")
    messenger.deliver(AMELIA, "s", "b")
    assert post.recipients == ["amelia+friends@example.org"]


def test_a_server_that_breaks_off_leaves_it_uncertain(office: tuple[Post, str]) -> None:
    """It took the text and hung up before it said so."""
    with pytest.raises(DeliveryUncertain, match="broke off"):
        Messenger(office[1]).deliver(to("drop@example.org"), "s", "b")


def test_an_unreachable_server_is_the_channels_fault() -> None:
    """Nobody listens."""
    with pytest.raises(ChannelUnavailable, match="refused"):
        Messenger(f"mailto://127.0.0.1:{find_free_port()}?from=me@example.org&to={{email}}").deliver(AMELIA, "s", "b")


def test_a_refused_login_tells_no_password(office: tuple[Post, str]) -> None:
    """Nor the user's name."""
    address = office[1].replace("mailto://", "mailto://someuser:s3cr%2Fet-pass@")
    with pytest.raises(ChannelUnavailable) as failure:
        Messenger(address).deliver(AMELIA, "s", "b")
    assert "the mail server cannot be used" in str(failure.value)
    for secret in ("someuser", "s3cr", "et-pass"):
        assert secret not in str(failure.value)


def test_the_first_url_whose_fields_the_contact_has_is_used(office: tuple[Post, str]) -> None:
    """Whoever has no e-mail address gets the message by the next; whoever has nothing gets none."""
    post, url = office
    fallback = url.replace("{email}", "{phone}@sms.example.org")
    messenger = Messenger(f"{url}  {fallback}")
    phone = Contact(id="2", name="B", phones=("+15550100101",))
    assert messenger.destination(AMELIA) == "amelia+friends@example.org"
    assert messenger.destination(phone) == "+15550100101"
    assert messenger.destination(Contact(id="3", name="C")) is None
    messenger.deliver(phone, "s", "b")
    assert post.recipients == ["+15550100101@sms.example.org"]
    with pytest.raises(DeliveryFailed, match="no address"):
        messenger.deliver(Contact(id="3", name="C"), "s", "b")


def test_a_value_cannot_change_the_url(office: tuple[Post, str]) -> None:
    """It is quoted: a name with the characters of a URL stays a name."""
    post, url = office
    sly = Contact(id="1", name="x&to=evil@example.org#/?", emails=("a@example.org",))
    Messenger(f"{url}&name={{name}}").deliver(sly, "s", "b")
    assert post.recipients == ["a@example.org"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "MESSAGE_URL is not set"),
        ("   ", "MESSAGE_URL is not set"),
        ("mailto://user:hunter22@nowhere?to={e-mail", "URL 1 of MESSAGE_URL"),
        ("nosuchservice://hunter22/{email}", "URL 1 of MESSAGE_URL"),
        ("json://example.org/ hunter22", "URL 2 of MESSAGE_URL"),
        ("json://hunter22/{birth_place}", "{birth_place}"),
    ],
)
def test_a_channel_that_cannot_be_used_is_found_before_anything_is_sent(url: str | None, reason: str) -> None:
    """By the name of the setting, and without what it holds."""
    with pytest.raises(ChannelUnavailable) as failure:
        Messenger(url).check()
    assert reason in str(failure.value)
    assert "hunter22" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("json://Hooks.example.org/in", ("Hooks.example.org", 80)),
        ("jsons://hooks.example.org/in", ("hooks.example.org", 443)),
        ("json://user:pass@hooks.example.org:8080/in", ("hooks.example.org", 8080)),
        ("mailtos://user:pass@gmail.com", ("smtp.gmail.com", 587)),
        ("mailto://user:pass@example.org?smtp=smtp.example.net&to=a@example.org", ("smtp.example.net", 25)),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", None),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#c", None),
        ("nonsense", None),
    ],
)
def test_where_an_address_leads_is_told_if_it_says_so(url: str, leads_to: tuple[str, int] | None) -> None:
    """The mail server that is really asked; of services with one address for all, nothing is known."""
    assert destination(url) == leads_to


def test_a_server_sends_a_message_on_only_where_that_is_allowed() -> None:
    """A secret that is bound to hosts goes to no other by a redirect."""
    with listening() as first, listening() as second:
        first.status, first.headers = 307, {"Location": f"{second.address}/in"}
        url = first.address.replace("http://", "json://")
        announce(url, "s", "b")
        assert len(second.got) == 1
        with pytest.raises(DeliveryFailed):
            announce(url, "s", "b", redirects=False)
        assert (len(first.got), len(second.got)) == (2, 1)


@pytest.fixture
def hook() -> Iterator[tuple[Any, str]]:
    """A web service that takes messages as JSON and answers what it is told to."""

    class Handler(BaseHTTPRequestHandler):
        status = 200
        taken = 0

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            Handler.taken += 1
            self.send_response(Handler.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield Handler, f"json://127.0.0.1:{server.server_port}/t0k3n-of-mine/{{id}}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (404, DeliveryFailed),
        (401, ChannelUnavailable),
        (503, ChannelUnavailable),
        (500, DeliveryUncertain),
    ],
)
def test_a_web_services_answer_decides(hook: tuple[Any, str], status: int, kind: type[Exception] | None) -> None:
    """Refused, refused altogether, or not to be known; each is sent once only, and no token is told."""
    handler, url = hook
    handler.status = status
    messenger = Messenger(url)
    messenger.check()
    if kind is None:
        messenger.deliver(AMELIA, "s", "b")
    else:
        with pytest.raises(kind) as failure:
            messenger.deliver(AMELIA, "s", "b")
        assert type(failure.value) is kind
        assert "t0k3n" not in str(failure.value)
    assert handler.taken == 1


@pytest.mark.parametrize(
    ("unsubscribe", "header", "post"),
    [
        ("mailto:stop@example.org?subject=stop", "<mailto:stop@example.org?subject=stop>", None),
        ("https://example.org/stop", "<https://example.org/stop>", "List-Unsubscribe=One-Click"),
        ("https://example.org/{id}/{name}", "<https://example.org/1/Amelia%20Rivers>", "List-Unsubscribe=One-Click"),
        (
            "https://example.org/{email}",
            "<https://example.org/amelia%2Bfriends%40example.org>",
            "List-Unsubscribe=One-Click",
        ),
        ("https://example.org/{phone}", None, None),
        ("https://example.org/" + "{name}" * 60, None, None),
        (None, None, None),
    ],
)
def test_a_letter_says_how_to_unsubscribe_where_a_setting_asks_for_it(
    office: tuple[Post, str], unsubscribe: str | None, header: str | None, post: str | None
) -> None:
    """By mail, or by one click (RFC 2369, RFC 8058); not for a contact without the field that it names, nor where no
    line of a letter could hold it."""
    messenger = Messenger(office[1], list_unsubscribe=unsubscribe)
    messenger.check()
    messenger.deliver(AMELIA, "s", "b")
    (message,) = office[0].messages
    assert (message["List-Unsubscribe"], message["List-Unsubscribe-Post"]) == (header, post)


def test_a_letter_says_that_a_program_sent_it_where_a_setting_asks_for_it(office: tuple[Post, str]) -> None:
    """`Auto-Submitted` (RFC 3834); a header of the URL comes before it."""
    for url, setting in ((office[1], False), (office[1], True), (f"{office[1]}&+Auto-Submitted=auto-replied", True)):
        Messenger(url, auto_submitted=setting).deliver(AMELIA, "s", "b")
    assert [message["Auto-Submitted"] for message in office[0].messages] == [None, "auto-generated", "auto-replied"]


def test_where_to_unsubscribe_names_fields_that_contacts_have(office: tuple[Post, str]) -> None:
    """Another is told before anything is sent."""
    with pytest.raises(ChannelUnavailable, match=r"MESSAGE_LIST_UNSUBSCRIBE names \{who\}"):
        Messenger(office[1], list_unsubscribe="https://example.org/{who}").check()


def test_a_web_service_that_is_away_is_the_channels_fault() -> None:
    """Its address, which may be a secret, is not told."""
    with pytest.raises(ChannelUnavailable) as failure:
        Messenger(f"json://127.0.0.1:{find_free_port()}/t0k3n-of-mine").deliver(AMELIA, "s", "b")
    assert "t0k3n" not in str(failure.value)
