"""A real mail server that keeps what it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.processes import find_free_port


class Post:
    """A mail server that keeps what it takes. Addresses starting with `bad` are refused, after the text of those
    starting with `drop` it hangs up, and it takes the text of `spam` for what it says."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.asked: list[str] = []
        """What stood in RCPT TO, in order."""
        self.before_taking: Callable[[], None] = lambda: None

    @property
    def recipients(self) -> list[str]:
        """To whom mail was taken, in order."""
        return [str(message["To"]) for message in self.messages]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if address.startswith("bad"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.before_taking()
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 looks like spam"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        if envelope.rcpt_tos[0].startswith("drop"):
            assert server.transport is not None
            server.transport.close()
        return "250 OK"


@contextmanager
def post_office(kept: Post | None = None) -> Iterator[tuple[Post, str]]:
    """A running mail server, `kept` or a new one, and the MESSAGE_URL that leads there."""
    post, port = kept or Post(), find_free_port()
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield post, f"mailto://127.0.0.1:{port}?from=me@example.org&to={{email}}"
    finally:
        controller.stop()
