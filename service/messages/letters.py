"""An e-mail as bytes: our own headers, and the text in 7-bit lines that every server takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from html import escape

from service.messages.headers import Mailbox, exact_header, mailbox_header, text_header

_WIRE = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail to one recipient.

    Args:
        sender: the author.
        to: the recipient.
        subject: the subject.
        body: the text.
        copies: recipients of a copy, named in the letter.
        blind_copies: recipients of a copy, not named in the letter.
        reply_to: the recipients of an answer, if not the sender.
        html: whether the letter also has the text as HTML.
        extra: more headers, as text by name.
        exact: more headers whose values stand as they are, ASCII on one line.
        key: identifies the letter, so that sending it again gives it the same Message-ID; None if nothing does.
        zone: the time zone of its date.
    """

    sender: Mailbox
    to: Mailbox
    subject: str
    body: str
    copies: tuple[Mailbox, ...] = ()
    blind_copies: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    html: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    zone: tzinfo | None = None

    @property
    def other_recipients(self) -> tuple[str, ...]:
        """Addresses beside `to`, each once."""
        addresses = dict.fromkeys(mailbox.address for mailbox in (*self.copies, *self.blind_copies))
        return tuple(address for address in addresses if address != self.to.address)

    def written(self, now: datetime) -> bytes:
        """Return the e-mail, in lines that end with CRLF.

        Args:
            now: when it is sent, aware.
        """
        lines = [
            mailbox_header("From", (self.sender,)),
            mailbox_header("To", (self.to,)),
            *([mailbox_header("Cc", self.copies)] if self.copies else []),
            *([mailbox_header("Reply-To", self.reply_to)] if self.reply_to else []),
            text_header("Subject", self.subject),
            exact_header("Date", format_datetime(now.astimezone(self.zone or UTC))),
            exact_header("Message-ID", self._message_id()),
            *(exact_header(name, value) for name, value in self.exact.items()),
            *(text_header(name, text) for name, text in self.extra.items()),
        ]
        return b"".join(lines) + self._content()

    def _message_id(self) -> str:
        """Return the same id whenever the same letter is sent again, so that its reader can recognise a duplicate."""
        domain = self.sender.address.rpartition("@")[2]
        if self.key is None:
            return make_msgid(domain=domain)
        mark = hashlib.sha256("\0".join((self.key, self.sender.address, self.to.address)).encode()).hexdigest()
        return f"<{mark[:40]}@{domain}>"

    def _content(self) -> bytes:
        part = EmailMessage(policy=_WIRE)
        body = self.body.encode("utf-8", "replace").decode()
        part.set_content(body)
        if self.html:
            part.add_alternative(_as_html(body), subtype="html")
        return part.as_bytes()


def _as_html(text: str) -> str:
    lines = "<br>\n".join(escape(text).strip().splitlines())
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n{lines}\n</body></html>\n'
