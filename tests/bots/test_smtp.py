"""What becomes of a letter, by the step at which the mail server refuses or breaks off; how connections are kept."""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from service.domain.people.contact import Contact
from service.messages import (
    ChannelUnavailable,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryUncertain,
    Messenger,
    RecipientRefused,
    announce,
    smtp,
)
from tests.support.processes import find_free_port
from tests.support.servers.mail import Post, post_office
from tests.support.servers.scripted_smtp import BREAK, ScriptedServer, scripted

LONG = "so many words\n" * 1_000_000
"""More than the buffers between two sockets hold."""


def to(address: str) -> Contact:
    """Somebody with this address."""
    return Contact(id="1", name="Somebody", emails=(address,))


AMELIA = to("amelia@example.org")


def signing_in(server: ScriptedServer) -> str:
    """Its URL with a user and a password."""
    return server.url.replace("mailto://", "mailto://someuser:s3cr3t-word@")


CHANNEL, DEFERRED, REFUSED, UNCERTAIN = ChannelUnavailable, DeliveryDeferred, RecipientRefused, DeliveryUncertain
STEPS: dict[str, tuple[type[DeliveryFailed], type[DeliveryFailed], type[DeliveryFailed]]] = {
    "connect": (CHANNEL, CHANNEL, CHANNEL),
    "ehlo": (CHANNEL, CHANNEL, CHANNEL),
    "auth": (CHANNEL, CHANNEL, CHANNEL),
    "mail": (CHANNEL, CHANNEL, CHANNEL),
    "rcpt": (DEFERRED, REFUSED, DEFERRED),
    "data": (DEFERRED, REFUSED, DEFERRED),
    "dot": (DEFERRED, REFUSED, UNCERTAIN),
}
"""For 4xx, for 5xx, and for what breaks off or is no answer."""
ANSWERS = (
    *((f"{code} not now", 0) for code in (421, 450, 451, 452, 471)),
    *((f"{code} never", 1) for code in (500, 521, 530, 535, 550, 552, 554)),
    *((answer, 2) for answer in (BREAK, "nonsense", "", "199 hm", "300 hm", "600 hm", "999 " + "x" * 9000)),
)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[0][:12] or "empty")
@pytest.mark.parametrize("step", STEPS)
def test_what_becomes_of_a_letter_follows_from_the_step_and_the_answer(step: str, answer: tuple[str, int]) -> None:
    """Exactly one verdict each; and the server has the text only where it refused, or broke, after it."""
    script = {step: answer[0]} | ({"helo": answer[0]} if step == "ehlo" else {})
    expected = STEPS[step][answer[1]]
    with scripted(**script) as server, Messenger(signing_in(server)) as messenger:
        with pytest.raises(DeliveryFailed) as failure:
            messenger.deliver(AMELIA, "s", "b")
        assert type(failure.value) is expected
        assert len(server.texts) == (1 if step == "dot" else 0)
        assert set(server.recipients) <= {"amelia@example.org"}
        said = str(failure.value)
        assert "\n" not in said and len(said) <= 300 and "s3cr3t" not in said and "someuser" not in said


def test_a_break_in_the_middle_of_the_text_defers_the_letter() -> None:
    """The server never had the final dot, so nothing was sent."""
    with scripted(text=BREAK) as server, pytest.raises(DeliveryDeferred, match="before it had received the message"):
        Messenger(server.url).deliver(AMELIA, "s", LONG)
    assert server.texts == []


def test_a_server_that_hangs_up_while_it_should_listen_defers_the_letter() -> None:
    """It says 421 instead of waiting for the text."""
    with scripted(data="354 go on\r\n421 closing") as server, pytest.raises(DeliveryDeferred):
        Messenger(server.url).deliver(AMELIA, "s", LONG)


def test_a_silent_server_is_given_up_after_rto() -> None:
    """Before the text the letter is deferred, after it nobody knows."""
    for step, kind in (("ehlo", ChannelUnavailable), ("rcpt", DeliveryDeferred), ("dot", DeliveryUncertain)):
        with scripted(**{step: "250-more follows"}) as server, pytest.raises(DeliveryFailed) as failure:
            Messenger(f"{server.url}&rto=0.2").deliver(AMELIA, "s", "b")
        assert type(failure.value) is kind


def test_nobody_listening_is_the_channels_fault() -> None:
    """The same where the name cannot be found."""
    for host in (f"127.0.0.1:{find_free_port()}", "nowhere.invalid"):
        with pytest.raises(ChannelUnavailable, match="the mail server cannot be used"):
            Messenger(f"mailto://{host}?from=me@example.org&to={{email}}").deliver(AMELIA, "s", "b")


def test_one_connection_serves_a_run_refusals_included() -> None:
    """After a refusal it is reset, and used on; it is ended with QUIT."""
    with scripted() as server:
        with Messenger(server.url) as messenger:
            for step, answer in (("rcpt", "550 no"), ("rcpt", "451 later"), ("data", "554 no"), ("dot", "554 spam")):
                server.script[step] = answer
                with pytest.raises((RecipientRefused, DeliveryDeferred)):
                    messenger.deliver(to("bad@example.org"), "s", "b")
                del server.script[step]
                messenger.deliver(AMELIA, "s", "b")
        (heard,) = server.connections
        assert heard.commands.count("RSET") == 4 and heard.commands[-1] == "quit"
        assert len(heard.texts) == 5


def test_a_connection_that_cannot_be_reset_is_given_up() -> None:
    """The next letter goes out on another, so that no refused recipient gets it."""
    for answer in ("500 what?", "421 bye", BREAK):
        with scripted(rcpt="550 no", rset=answer) as server, Messenger(server.url) as messenger:
            with pytest.raises(RecipientRefused):
                messenger.deliver(to("bad@example.org"), "s", "b")
            server.script = {}
            messenger.deliver(AMELIA, "s", "b")
            assert [heard.recipients for heard in server.connections] == [["bad@example.org"], ["amelia@example.org"]]


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("answer", ["421 idle for too long", BREAK])
def test_a_kept_connection_that_ends_before_the_text_costs_no_letter(step: str, answer: str) -> None:
    """It is sent once more on a new one, and arrives once."""
    with scripted() as server, Messenger(server.url) as messenger:
        messenger.deliver(AMELIA, "first", "b")
        broken = threading.Event()
        server.script = Once(step, answer, broken)
        messenger.deliver(AMELIA, "second", "b")
        assert broken.is_set() and len(server.connections) == 2 and len(server.texts) == 2


class Once(dict[str, str]):
    """A script whose answer to one step is given once."""

    def __init__(self, step: str, answer: str, given: threading.Event) -> None:
        super().__init__()
        self._only = (step, answer, given)

    def get(self, step: str, default: str = "") -> str:  # type: ignore[override]
        """The answer."""
        wanted, answer, given = self._only
        if step == wanted and not given.is_set():
            if step != "data" or default != "354":
                given.set()
            return answer
        return default


def test_a_server_that_hung_up_between_two_letters_is_asked_anew() -> None:
    """No letter is lost, none is sent twice."""
    with scripted() as server, Messenger(server.url) as messenger:
        messenger.deliver(AMELIA, "s", "b")
        server.hang_up()
        messenger.deliver(AMELIA, "s", "b")
        assert [len(heard.texts) for heard in server.connections] == [1, 1]


@pytest.mark.parametrize(("limit", "value"), [("LETTERS_OF_A_CONNECTION", 2), ("IDLE_SECONDS", -1.0)])
def test_a_connection_is_renewed_after_many_letters_or_a_pause(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    """The old one is ended with QUIT."""
    monkeypatch.setattr(smtp, limit, value)
    with scripted() as server, Messenger(server.url) as messenger:
        for _ in range(4):
            messenger.deliver(AMELIA, "s", "b")
        assert len(server.connections) == (2 if limit.startswith("LETTERS") else 4)
        assert all(heard.commands[-1] == "quit" for heard in server.connections[:-1])


def test_no_connection_is_shared_by_threads_or_processes() -> None:
    """Each has its own, and the first goes on."""
    with scripted() as server, Messenger(server.url) as messenger:
        messenger.deliver(AMELIA, "s", "b")
        thread = threading.Thread(target=messenger.deliver, args=(AMELIA, "s", "b"))
        thread.start()
        thread.join()
        messenger.deliver(AMELIA, "s", "b")
        child = os.fork()
        if child == 0:
            try:
                messenger.deliver(AMELIA, "s", "b")
                messenger.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        messenger.deliver(AMELIA, "s", "b")
        assert sorted(len(heard.texts) for heard in server.connections) == [1, 1, 1, 2]


def test_a_refused_copy_is_the_channels_fault_and_nobody_gets_the_letter() -> None:
    """The address stands in the setting; the contact's own was taken."""
    with post_office() as (post, url):
        for option in ("cc", "bcc"):
            with pytest.raises(ChannelUnavailable, match=r"the copy to bad@example\.org: 550"):
                Messenger(f"{url}&{option}=bad@example.org").deliver(AMELIA, "s", "b")
        assert post.messages == []


def test_copies_get_the_letter_and_blind_ones_are_not_named() -> None:
    """Each stands in RCPT once."""
    with scripted() as server:
        url = f"{server.url}&cc=Kim <kim@example.org>,lee@example.org&bcc=archive@example.org,amelia@example.org"
        Messenger(url.replace(" ", "%20")).deliver(AMELIA, "s", "b")
    assert server.recipients == ["amelia@example.org", "kim@example.org", "lee@example.org", "archive@example.org"]
    assert (
        b"Cc: Kim <kim@example.org>,\r\n lee@example.org\r\n" in server.texts[0] and b"archive" not in server.texts[0]
    )


def test_an_alert_reaches_each_of_several_recipients_by_a_letter_of_their_own() -> None:
    """One that is refused is told; the other has got it."""
    with post_office() as (post, url):
        announce(url.replace("{email}", "a@example.org,o'neil@example.org"), "s", "b")
        assert post.recipients == ["a@example.org", "o'neil@example.org"]
        post.messages.clear()
        announce(url.replace("?", "/a@example.org?").replace("{email}", "A<a@example.org>,a@example.org"), "s", "b")
        assert post.recipients == ["a@example.org"]
        with pytest.raises(DeliveryUncertain, match=r"sent to 1 of 2 recipients: bad@example\.org: .*550"):
            announce(url.replace("{email}", "bad@example.org,a@example.org"), "s", "b")


class Signed:
    """Checks who signs in."""

    def __call__(self, server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        good = getattr(data, "login", None) == b"user" and getattr(data, "password", None) == b"p4ss/word"
        return AuthResult(success=good, handled=False)


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_tls_is_spoken_and_certificates_are_verified(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of an unknown authority is refused, unless verify=no; a refused password is the channel's."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    post, port = Post(), find_free_port()
    around: dict[str, Any] = (
        {"ssl_context": context} if mode == "ssl" else {"tls_context": context, "require_starttls": True}
    )
    asks: dict[str, Any] = {"authenticator": Signed(), "auth_required": True, "auth_require_tls": mode == "starttls"}
    controller = Controller(post, hostname="localhost", port=port, **around, **asks)
    controller.start()
    url = f"mailtos://user:p4ss%2Fword@localhost:{port}?mode={mode}&from=me@example.org&to={{email}}"
    try:
        with pytest.raises(ChannelUnavailable, match="certificate verify failed"):
            Messenger(url).deliver(AMELIA, "s", "b")
        assert post.messages == []
        Messenger(f"{url}&verify=no").deliver(AMELIA, "s", "b")
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with Messenger(url) as messenger:
            messenger.deliver(AMELIA, "s", "b")
            messenger.deliver(AMELIA, "s", "b")
        with pytest.raises(ChannelUnavailable, match="535"):
            Messenger(url.replace("p4ss", "wrong")).deliver(AMELIA, "s", "b")
    finally:
        controller.stop()
    assert len(post.messages) == 3


def test_a_server_without_starttls_gets_no_password() -> None:
    """Where the URL asks for TLS, plain speech is refused."""
    with scripted() as server:
        url = signing_in(server).replace("mailto://", "mailtos://")
        with pytest.raises(ChannelUnavailable, match="STARTTLS"):
            Messenger(url).deliver(AMELIA, "s", "b")
    assert not any(line.startswith("AUTH") for line in server.connections[0].commands)


def test_a_password_that_is_not_ascii_is_told() -> None:
    """Instead of an error of Python's."""
    with scripted() as server, pytest.raises(ChannelUnavailable, match="not ASCII"):
        Messenger(signing_in(server).replace("s3cr3t", "s%C3%BCss")).deliver(AMELIA, "s", "b")
