"""A real mail server that refuses what it is told to."""

from __future__ import annotations

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.servers.mail import Post

ALWAYS = 99
BREAKS = "breaks off"
"""In place of an answer: the connection ends."""


class Picky(Post):
    """A mail server that gives the answers it was told, by the address before its `@`, and then takes the mail."""

    def __init__(self) -> None:
        super().__init__()
        self.rcpt: dict[str, list[str]] = {}
        self.data: dict[str, list[str]] = {}
        self.tried: list[str] = []
        """Who was named as a recipient, in order."""

    def refuse(self, name: str, reply: str, times: int = ALWAYS, at: str = "rcpt") -> None:
        """Answers `reply` so often, to the recipient (`rcpt`) or to the text (`data`)."""
        (self.rcpt if at == "rcpt" else self.data)[name] = [reply] * times

    def relent(self) -> None:
        """Takes everybody's mail from now on."""
        self.rcpt.clear()
        self.data.clear()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        name = address.partition("@")[0]
        self.tried.append(name)
        if answers := self.rcpt.get(name):
            return _given(server, answers.pop())
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answers := self.data.get(envelope.rcpt_tos[0].partition("@")[0]):
            return _given(server, answers.pop())
        return await super().handle_DATA(server, session, envelope)

    @property
    def taken(self) -> list[str]:
        """To whom mail was taken, before the `@`."""
        return [recipient.partition("@")[0] for recipient in self.recipients]


def _given(server: SMTP, answer: str) -> str:
    if answer == BREAKS:
        assert server.transport is not None
        server.transport.close()
    return answer
