"""Submission of letters to a mail server, and the outcome of each by the server's status codes (RFC 5321).

| failing step | answered 4xx | answered 5xx | broken off |
|---|---|---|---|
| connection, EHLO, STARTTLS, sign-in, MAIL FROM | the channel | the channel | the channel |
| RCPT TO, DATA | deferred | refused | deferred |
| the text, before its final dot | | | deferred |
| the answer to the final dot | deferred | refused | uncertain |

An answer that is neither counts as broken off. 421 counts as other 4xx do, and ends the connection.
"""

from __future__ import annotations

import os
import re
import smtplib
import threading
import time
from datetime import UTC, datetime

from service.messages.letters import Letter
from service.messages.outcomes import (
    ChannelUnavailable,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryUncertain,
    RecipientRefused,
)
from service.messages.wire import Broken, Server, answer, connect, has_spoken, read

LETTERS_OF_A_CONNECTION = 100
"""The most letters on one connection, since many servers accept no more."""
IDLE_SECONDS = 60.0
"""A connection that was silent for longer is not used again."""
_GOODBYE_SECONDS = 5.0
_CLOSING = 421
_GO_ON = 354


class _Gone(Exception):
    """The server ended the connection before it had any of the letter.

    Args:
        verdict: the outcome, if the connection was a new one.
    """

    def __init__(self, verdict: DeliveryFailed) -> None:
        super().__init__()
        self.verdict = verdict


class Submission:
    """One connection to a mail server, opened when it is needed and used for many letters.

    It belongs to the process and the thread that opened it. Another one opens its own.

    Args:
        server: the mail server.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._smtp: smtplib.SMTP | None = None
        self._owner = (0, 0)
        self._letters = 0
        self._used_at = 0.0

    def send(self, letter: Letter) -> None:
        """Send a letter. Return when the server has taken it for all its recipients.

        Raises:
            ChannelUnavailable, DeliveryDeferred, RecipientRefused, DeliveryUncertain: by the table above.
        """
        try:
            reused = self._keeps_connection()
            try:
                self._transfer(letter)
            except _Gone as gone:  # the end of a kept connection has nothing to do with this letter
                self._drop()
                if not reused:
                    raise gone.verdict from None
                self._transfer_anew(letter)
        except DeliveryUncertain:
            self._drop()
            raise
        except DeliveryFailed:
            self._reset()
            raise
        except BaseException:  # such as the end of the run's time, at any point
            self._drop()
            raise

    def close(self) -> None:
        """Close the connection, if there is one. The next letter opens another."""
        smtp, self._smtp = self._smtp, None
        if smtp is None or self._owner != _me():
            return
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(_GOODBYE_SECONDS)
                smtp.quit()
        except (OSError, smtplib.SMTPException):
            pass  # it ends either way
        finally:
            smtp.close()

    def _transfer_anew(self, letter: Letter) -> None:
        try:
            self._transfer(letter)
        except _Gone as gone:
            self._drop()
            raise gone.verdict from None

    def _transfer(self, letter: Letter) -> None:
        smtp = self._connected()
        sender, recipient, text = letter.sender.address, letter.to.address, letter.written(datetime.now(UTC))
        self._ask(smtp, f"MAIL FROM:<{sender}>", "the sender", ChannelUnavailable, ChannelUnavailable)
        self._ask(smtp, f"RCPT TO:<{recipient}>", "the recipient", DeliveryDeferred, RecipientRefused)
        for other in letter.other_recipients:
            self._ask(smtp, f"RCPT TO:<{other}>", f"the copy to {other}", DeliveryDeferred, ChannelUnavailable)
        self._ask(smtp, "DATA", "the message", DeliveryDeferred, RecipientRefused, expected=_GO_ON)
        self._send_text(smtp, text)
        self._letters += 1
        self._used_at = time.monotonic()

    def _ask(
        self, smtp: smtplib.SMTP, command: str, subject: str, for_now: type[DeliveryFailed],
        for_good: type[DeliveryFailed], expected: int | None = None,
    ) -> None:  # fmt: skip
        """Send one command before the text."""
        try:
            code, text = answer(smtp, command)
        except Broken as broken:
            raise _Gone(for_now(f"the mail server broke off: {broken}")) from None
        if code == expected or (expected is None and code // 100 == 2):
            return
        said = f"the mail server refused {subject}: {code} {text}"
        if code == _CLOSING:
            raise _Gone(for_now(said))
        if code // 100 in (4, 5):
            raise (for_now if code // 100 == 4 else for_good)(said)
        raise _Gone(for_now(f"the mail server broke off: it answered {code} {text}"))

    def _send_text(self, smtp: smtplib.SMTP, text: bytes) -> None:
        try:
            smtp.send(_transparent(text))
            if has_spoken(smtp):
                raise Broken("it ended the connection")
        except (Broken, OSError, smtplib.SMTPException) as error:
            self._drop()
            raise DeliveryDeferred(f"the mail server broke off before it had received the message: {error}") from None
        try:
            smtp.send(b".\r\n")
            code, said = read(smtp)
        except (Broken, OSError, smtplib.SMTPException) as error:
            raise DeliveryUncertain(f"the mail server broke off: {error}") from None
        if code // 100 not in (2, 4, 5):
            raise DeliveryUncertain(f"the mail server broke off: it answered {code} {said}")
        if code == _CLOSING:
            self._drop()
        if code // 100 != 2:
            kind = DeliveryDeferred if code // 100 == 4 else RecipientRefused
            raise kind(f"the mail server refused the message: {code} {said}")

    def _keeps_connection(self) -> bool:
        """Return whether there is a usable connection. Give up an unusable one."""
        smtp = self._smtp
        if smtp is None:
            return False
        if self._owner != _me():
            self._smtp = None  # it belongs to another process or thread, and stays open there
            return False
        idle = time.monotonic() - self._used_at
        if has_spoken(smtp):
            self._drop()
        elif idle > IDLE_SECONDS or self._letters >= LETTERS_OF_A_CONNECTION:
            self.close()
        return self._smtp is not None

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = connect(self.server)
            self._owner, self._letters, self._used_at = _me(), 0, time.monotonic()
        return self._smtp

    def _reset(self) -> None:
        """Let the server forget a letter that it did not take."""
        if self._smtp is None:
            return
        try:
            code, _ = answer(self._smtp, "RSET")
        except Broken:
            code = 0
        if code // 100 != 2:
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _transparent(text: bytes) -> bytes:
    """Put another dot before each line that begins with one (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", text if text.endswith(b"\r\n") else text + b"\r\n")


def _me() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()
