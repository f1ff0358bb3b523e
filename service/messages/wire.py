"""The connection to a mail server, on Python's smtplib: commands and answers, without what they mean for a letter."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field

from service.messages.outcomes import ChannelUnavailable


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and how it is spoken to.

    Args:
        mode: `insecure`, `starttls` or `ssl` (TLS from the first byte).
        user, password: for signing in, which is done if both are there.
        verify: whether its certificate is verified.
        connect_timeout, answer_timeout: seconds that the connection, and each answer, may take.
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
    """The connection broke, or what came back is no answer."""


def connect(server: Server) -> smtplib.SMTP:
    """A connection on which MAIL FROM can follow.

    Raises:
        ChannelUnavailable: there is none; says why.
    """
    smtp: smtplib.SMTP | None = None
    try:
        if server.mode == "ssl":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.connect_timeout, context=_tls(server))
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.connect_timeout)
        assert smtp.sock is not None
        smtp.sock.settimeout(server.answer_timeout)
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the final dot does not wait for the text
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
    try:
        smtp.putcmd(command)
    except (OSError, smtplib.SMTPException) as error:
        raise Broken(worded(error)) from None
    return read(smtp)


def read(smtp: smtplib.SMTP) -> tuple[int, str]:
    """A status code and what stands beside it; smtplib's own code for what is no answer is -1."""
    try:
        code, text = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:  # also a line that is too long, for which smtplib makes up a 500
        raise Broken(worded(error)) from None
    return code, text.decode("utf-8", "replace")


def has_spoken(smtp: smtplib.SMTP) -> bool:
    """Whether the server said something, or hung up, though it is not its turn."""
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
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__
