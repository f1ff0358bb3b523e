"""Connection to a mail server, on Python's smtplib: commands and answers, without their meaning for a letter."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field

from service.messages.outcomes import ChannelUnavailable


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and the way to speak to it.

    Args:
        host: its name or address.
        port: its port.
        mode: `insecure`, `starttls` or `ssl` (TLS from the first byte).
        user, password: sign in with these, if both are set.
        verify: whether to verify the certificate.
        connect_timeout, answer_timeout: seconds for the connection, and for each answer.
    """

    host: str
    port: int
    mode: str
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    verify: bool
    connect_timeout: float
    answer_timeout: float


class Broken(Exception):
    """The connection broke, or the server sent something other than an answer."""


def connect(server: Server) -> smtplib.SMTP:
    """Return a connection on which MAIL FROM can follow.

    Raises:
        ChannelUnavailable: it is not available; the message says why.
    """
    smtp: smtplib.SMTP | None = None
    try:
        if server.mode == "ssl":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.connect_timeout, context=_tls(server))
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.connect_timeout)
        assert smtp.sock is not None
        smtp.sock.settimeout(server.answer_timeout)
        smtp.sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # so that the final dot does not wait for the text
        if server.mode == "starttls":
            smtp.starttls(context=_tls(server))
        smtp.ehlo_or_helo_if_needed()
        if server.user and server.password:
            smtp.login(server.user, server.password)
    except UnicodeError:
        _close(smtp)
        raise ChannelUnavailable(
            "the mail server cannot be used: its user or password has characters that are not ASCII"
        ) from None
    except (OSError, smtplib.SMTPException, ValueError, RuntimeError) as error:
        _close(smtp)
        raise ChannelUnavailable(f"the mail server cannot be used: {worded(error)}") from None
    except BaseException:
        _close(smtp)
        raise
    return smtp


def _tls(server: Server) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if not server.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def _close(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        smtp.close()


def answer(smtp: smtplib.SMTP, command: str) -> tuple[int, str]:
    """Send a command and return the answer's status code and text.

    Raises:
        Broken: there is no answer.
    """
    try:
        smtp.putcmd(command)
    except (OSError, smtplib.SMTPException) as error:
        raise Broken(worded(error)) from None
    return read(smtp)


def read(smtp: smtplib.SMTP) -> tuple[int, str]:
    """Return an answer's status code and text. smtplib's code for an invalid answer is -1.

    Raises:
        Broken: there is no answer.
    """
    try:
        code, text = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:  # also for a line that is too long, where smtplib invents a 500
        raise Broken(worded(error)) from None
    return code, text.decode("utf-8", "replace")


def has_spoken(smtp: smtplib.SMTP) -> bool:
    """Return whether the server said something, or hung up, out of turn."""
    sock = smtp.sock
    if sock is None:
        return True
    before = sock.gettimeout()
    try:
        sock.settimeout(0)
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        sock.settimeout(before)
    return True


def worded(error: Exception) -> str:
    """Return an error in words for people."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__
