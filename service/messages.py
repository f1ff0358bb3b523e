"""Delivering messages to people, through Apprise.

`MESSAGE_URL` holds one or more Apprise URLs with a contact's fields in braces, such as
`mailtos://user:pass@smtp.example.org?from=me@example.org&to={email}`. The first whose fields the contact has is used.
Apprise answers only yes or no; why it is no is read from what it logs, and told without the channel's secrets.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.exception import AppriseException
from apprise.plugins.base import NotifyBase
from apprise.plugins.email import NotifyEmail

from service.errors import ChannelUnavailable, DeliveryFailed

TIMEOUT = 30.0
"""Seconds that a server may take over one answer, unless the URL says otherwise (`cto`, `rto`)."""

_FIELD = re.compile(r"\{([a-z_]+)\}")
_MAIL = re.compile(r"mailtos?:", re.IGNORECASE)
_ASSET = AppriseAsset(app_id="Bot Scheduler", app_desc="Bot Scheduler", app_url="", async_mode=False)


class DeliveryUncertain(DeliveryFailed):
    """The channel broke off in the middle: the message may or may not have arrived."""


class DeliveryDeferred(DeliveryFailed):
    """The recipient's server refused it for now (SMTP 4xx), or broke off before it had the text; nothing was sent, and
    the same may be taken later."""


class RecipientRefused(DeliveryFailed):
    """The recipient's server refused it for good (SMTP 5xx to RCPT or DATA); nothing was sent."""


class Recipient(Protocol):
    """The fields of a contact that a URL may name."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def family_name(self) -> str | None: ...
    @property
    def birthday(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def emails(self) -> Sequence[str]: ...
    @property
    def phones(self) -> Sequence[str]: ...
    @property
    def urls(self) -> Sequence[str]: ...


_FIELDS: Mapping[str, Callable[[Recipient], str | None]] = {
    "email": lambda contact: next(iter(contact.emails), None),
    "phone": lambda contact: next(iter(contact.phones), None),
    "url": lambda contact: next(iter(contact.urls), None),
    "id": lambda contact: contact.id,
    "name": lambda contact: contact.name,
    "given_name": lambda contact: contact.given_name,
    "family_name": lambda contact: contact.family_name,
    "birthday": lambda contact: contact.birthday,
    "language": lambda contact: contact.language,
}
_SAMPLES = {"email": "someone@example.org", "phone": "+15550100100", "url": "https://example.org/someone"}
_ADDRESSES = ("email", "phone", "url")


@dataclass(frozen=True, slots=True)
class Channel:
    """One URL of `MESSAGE_URL`."""

    template: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces."""
        return tuple(_FIELD.findall(self.template))

    def suits(self, contact: Recipient) -> bool:
        """Whether the contact has every field that the URL names."""
        return all(_FIELDS[field](contact) for field in self.fields)

    def fill(self, values: Callable[[str], str | None]) -> str:
        """The URL with each field's value in place of its name, quoted as a URL needs."""
        return _FIELD.sub(lambda match: quote(values(match[1]) or "", safe=""), self.template)


class Messenger:
    """Sends messages to contacts.

    Args:
        message_url: `MESSAGE_URL`: Apprise URLs, separated by spaces; None if it is unset.
    """

    def __init__(self, message_url: str | None) -> None:
        self._channels = [Channel(template) for template in (message_url or "").split()]

    def check(self) -> None:
        """Finds out, without sending anything, whether messages could go out at all.

        Raises:
            ChannelUnavailable: `MESSAGE_URL` is unset, or one of its URLs cannot be used; says which.
        """
        if not self._channels:
            raise ChannelUnavailable("MESSAGE_URL is not set, so no message can be sent")
        self.check_fields()
        for number, channel in enumerate(self._channels, start=1):
            filled = channel.fill(lambda field: _SAMPLES.get(field, "x"))
            if (reason := why_unusable(filled, channel.template)) is not None:
                raise ChannelUnavailable(f"URL {number} of MESSAGE_URL {reason}")

    def check_fields(self) -> None:
        """Finds out whether it can be told who would be reached; `MESSAGE_URL` may be unset.

        Raises:
            ChannelUnavailable: one of its URLs names a field that no contact has; says which.
        """
        for number, channel in enumerate(self._channels, start=1):
            if unknown := [field for field in channel.fields if field not in _FIELDS]:
                raise ChannelUnavailable(f"URL {number} of MESSAGE_URL names {{{unknown[0]}}}, which no contact has")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces of all its URLs, each once."""
        return tuple(dict.fromkeys(field for channel in self._channels for field in channel.fields))

    def destination(self, contact: Recipient) -> str | None:
        """Where a message to the contact would go, for people to read; None if nowhere.

        With `MESSAGE_URL` unset, it is the e-mail address, so that a rehearsal needs no channel.
        """
        if not self._channels:
            return _FIELDS["email"](contact)
        channel = self._channel(contact)
        if channel is None:
            return None
        addresses = [_FIELDS[field](contact) for field in channel.fields if field in _ADDRESSES]
        return ", ".join(filter(None, addresses)) or "the address in MESSAGE_URL"

    def deliver(self, contact: Recipient, subject: str, body: str) -> None:
        """Sends one plain-text message, once; returns when the channel has taken it.

        Raises:
            ChannelUnavailable: nobody can be reached through this channel now; nothing was sent.
            DeliveryUncertain: the channel broke off; it may have been sent.
            DeliveryDeferred: this recipient was refused for now; nothing was sent.
            RecipientRefused: this recipient was refused for good; nothing was sent.
            DeliveryFailed: this recipient cannot be reached: there is no address, or it is not one that the channel
                takes; nothing was sent.
        """
        if not self._channels:
            raise ChannelUnavailable("MESSAGE_URL is not set, so no message can be sent")
        channel = self._channel(contact)
        if channel is None:
            raise DeliveryFailed("the contact has no address that MESSAGE_URL names")
        url = channel.fill(lambda field: _FIELDS[field](contact))
        _deliver(url, channel.template, subject, body, "the channel does not take the contact's address")

    def _channel(self, contact: Recipient) -> Channel | None:
        return next((channel for channel in self._channels if channel.suits(contact)), None)


def destination(url: str) -> tuple[str, int | None] | None:
    """The host, and the port where it is known, to which messages for an Apprise URL go; None where it does not tell,
    as with services that have one address for everybody."""
    with _captured():
        plugin = _plugin(url)
    if isinstance(plugin, NotifyEmail):
        return plugin.smtp_host, plugin.port
    templates: Sequence[str] = () if plugin is None else plugin.templates
    if plugin is None or not any("{host}" in template for template in templates):
        return None
    return plugin.host, plugin.port or (443 if plugin.secure else 80)


def why_unusable(url: str, template: str) -> str | None:
    """Why nothing can be sent to an Apprise URL, as the predicate of a sentence; None if it is well-formed.

    Args:
        template: the URL as the setting has it, of which nothing that may be secret is told.
    """
    with _captured() as lines:
        plugin = _plugin(url)
    if plugin is not None and not any(line.startswith("Dropped invalid") for line in lines):
        return None
    said = f": {_redacted(lines[-1], template)}" if lines and plugin is None else ""
    return f"is not one that can be used{said}"


def announce(url: str, subject: str, body: str, *, redirects: bool = True) -> None:
    """Sends one plain-text message to a fixed Apprise URL, such as one of `ALERT_URL`.

    Args:
        redirects: whether a server may send it on to another.

    Raises:
        DeliveryFailed: it was not taken, and why, without anything of the URL that may be secret.
    """
    _deliver(url, url, subject, body, "it is not an Apprise URL that can be used", redirects=redirects)


def _deliver(url: str, template: str, subject: str, body: str, unusable: str, *, redirects: bool = True) -> None:
    with _captured() as lines:
        plugin = _plugin(url)
        if plugin is None:
            raise DeliveryFailed(unusable)
        plugin.redirects = plugin.redirects and redirects
        sent = _send(plugin, subject, body, lines)
    if not sent:
        kind, reason = (_MAIL.match(template) and _mail_failure(lines)) or _failure(lines)
        raise kind(_redacted(reason, template))


def _plugin(url: str) -> NotifyBase | None:
    """Apprise's own object for one URL. Called directly it neither retries nor sends from another thread."""
    plugin = Apprise.instantiate(url, asset=_ASSET)
    if plugin is not None:
        if "cto=" not in url:
            plugin.socket_connect_timeout = TIMEOUT
        if "rto=" not in url:
            plugin.socket_read_timeout = TIMEOUT
    return plugin


def _send(plugin: NotifyBase, subject: str, body: str, lines: list[str]) -> bool:
    try:
        return bool(plugin.notify(body=body, title=subject, body_format=NotifyFormat.TEXT))
    except (AppriseException, OSError, ValueError, TypeError, RuntimeError) as error:
        lines.append(f"Socket Exception: {error}")
        return False


_Verdict = tuple[type[DeliveryFailed], str]


def _mail_failure(lines: Sequence[str]) -> _Verdict | None:
    """What became of an e-mail that was not taken, from the lines that Apprise's e-mail plugin logs."""
    said = _exception_in(lines)
    if any(line.startswith("Connection error while submitting") for line in lines):
        return ChannelUnavailable, f"the mail server cannot be used: {_plain(said)}"
    if match := re.match(r"\{.*?: \((\d{3}), (.*?)\)", said):  # SMTPRecipientsRefused
        return _refusal(match[1]), f"the mail server refused the recipient: {match[1]} {_plain(match[2])}"
    if match := re.match(r"\((\d{3}), (b(['\"]).*\3), (['\"]).*\4\)", said):  # SMTPSenderRefused
        return ChannelUnavailable, f"the mail server refused the sender: {match[1]} {_plain(match[2])}"
    if match := re.match(r"\((\d{3}), (.*)\)", said):
        kind = ChannelUnavailable if match[1] == "421" else _refusal(match[1])
        return kind, f"the mail server refused the message: {match[1]} {_plain(match[2])}"
    if any("recipients to notify" in line for line in lines):
        return DeliveryFailed, "the channel does not take the contact's address"
    return DeliveryUncertain, f"the mail server broke off: {_plain(said) or 'no reason given'}"


def _refusal(code: str) -> type[DeliveryFailed]:
    return DeliveryDeferred if code.startswith("4") else RecipientRefused


def _failure(lines: Sequence[str]) -> _Verdict:
    """What became of a message that another kind of channel did not take, as well as it can be told."""
    said = _exception_in(lines)
    told = next((line for line in reversed(lines) if re.match(r"(Failed|Error|A |Could not|There )", line)), "")
    status = re.search(r"error[=: ]+(\d{3})", told)
    if re.search(r"NewConnection|NameResolution|ConnectTimeout|SSLError|refused|CertificateError", said):
        return ChannelUnavailable, f"the channel cannot be reached: {_plain(said)}"
    if status and status[1] in ("401", "403", "429", "502", "503"):
        return ChannelUnavailable, f"the channel refused: {told}"
    if (status and status[1].startswith("4")) or told.startswith("There "):
        return DeliveryFailed, f"the channel refused the message: {told}"
    return DeliveryUncertain, f"the channel failed: {told or _plain(said) or 'no reason given'}"


def _exception_in(lines: Sequence[str]) -> str:
    found = (line.partition("Socket Exception: ")[2] for line in reversed(lines) if "Socket Exception: " in line)
    return next(found, "")


def _plain(text: str) -> str:
    """Without the marks that Python puts around bytes."""
    return re.sub(r"b(['\"])(.*?)\1", r"\2", text)


def _redacted(reason: str, template: str) -> str:
    """One line of `reason` without anything of the channel's URL that may be secret."""
    for secret in sorted(_secrets(template), key=len, reverse=True):
        reason = reason.replace(secret, "***")
    reason = re.sub(r"\b[a-z][a-z0-9+.-]*://\S+", "***", reason, flags=re.IGNORECASE)
    return " ".join(reason.split())[:300]


def _secrets(template: str) -> set[str]:
    """The parts of a URL that may be secret: a mail URL's user and password, of others (tokens stand anywhere) all."""
    parts = urlsplit(template)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    query = dict(parse_qsl(parts.query))
    found = [user, password, *(query.get(key, "") for key in ("user", "pass"))]
    if not _MAIL.match(template):
        found += [parts.netloc.rpartition("@")[2], *parts.path.split("/"), *query.values()]
    forms = {form for text in found if not _FIELD.search(text) for form in (text, unquote(text))}
    return {form for form in forms if len(form) >= 3}


_capture: ContextVar[list[str] | None] = ContextVar("_capture", default=None)


class _Capture(logging.Handler):
    """Hands Apprise's lines to whoever sends right now, and to nobody else: they hold addresses and texts."""

    def emit(self, record: logging.LogRecord) -> None:
        lines = _capture.get()
        if lines is not None:
            lines.append(record.getMessage())


@contextmanager
def _captured() -> Iterator[list[str]]:
    """What Apprise logs meanwhile in this thread."""
    lines: list[str] = []
    token = _capture.set(lines)
    try:
        yield lines
    finally:
        _capture.reset(token)


def _take_over_loggers() -> None:
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(_Capture())
    # What these say at DEBUG has whole paths and headers, in which tokens stand.
    for name in ("urllib3", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.WARNING)


_take_over_loggers()
