"""Sender of messages to contacts, through the channels of `MESSAGE_URL`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self
from urllib.parse import quote

from apprise import Apprise
from apprise.plugins.base import NotifyBase

from bot_scheduler import Contact
from service.messages import mail_urls
from service.messages.apprise_log import ASSET, captured
from service.messages.bounds import bounded
from service.messages.mail import Mail, Manner
from service.messages.mail_urls import UnusableURL, is_mail
from service.messages.outcomes import ChannelUnavailable, DeliveryFailed
from service.messages.secrecy import redacted
from service.messages.services import Misread, Service
from service.messages.templates import ADDRESSES, FIELDS, Template, Values, values_of

LONGEST_UNSUBSCRIBE = 900
"""The most characters of a `List-Unsubscribe` URL. It cannot be folded, and a line has at most 998 (RFC 5322)."""


class Channel:
    """One URL of `MESSAGE_URL` or `ALERT_URL`.

    Args:
        url: the URL in the setting.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.template = Template(url)

    @cached_property
    def _way(self) -> Mail | Service:
        return Mail(self.template) if is_mail(self.url) else Service(self.template)

    def why_unusable(self) -> str | None:
        """Return why nothing can be sent to the URL, as the predicate of a sentence; None if it is well-formed."""
        try:
            _ = self._way
        except UnusableURL as error:
            return redacted(str(error), self.url)
        return None

    def send(self, values: Values, subject: str, body: str, manner: Manner, *, redirects: bool = True) -> None:
        """Send one message.

        Args:
            values: the values of the URL's fields.
            subject: the subject.
            body: the text.
            manner: the headers and the key of an e-mail.
            redirects: whether a server may redirect the request.

        Raises:
            DeliveryFailed: the channel did not take the message. The reason has no part of the URL that may be secret.
        """
        with self._redacting():
            if isinstance(self._way, Mail):
                self._way.send(values, subject, body, manner)
            else:
                self._way.send(values, subject, body, redirects=redirects)

    def close(self) -> None:
        """Close the channel's connection, if it keeps one."""
        way = vars(self).get("_way")
        if isinstance(way, Mail):
            way.close()

    @contextmanager
    def _redacting(self) -> Iterator[None]:
        try:
            yield
        except UnusableURL as error:
            raise ChannelUnavailable(f"the URL {redacted(str(error), self.url)}") from None
        except Misread as error:
            raise DeliveryFailed(str(error)) from None
        except DeliveryFailed as error:
            raise type(error)(redacted(str(error), self.url)) from None


class Messenger:
    """Sends messages to contacts. It keeps connections between them: close it, or use it in a `with`.

    Args:
        message_url: `MESSAGE_URL`: Apprise URLs separated by spaces, or None. The first URL whose fields a contact has
            is used.
        phone_region: `PHONE_REGION`: the country of numbers without `+`.
        list_unsubscribe: `MESSAGE_LIST_UNSUBSCRIBE`: a mailto or https URL for e-mails, with fields in braces.
        auto_submitted: `MESSAGE_AUTO_SUBMITTED`: whether e-mails say that a program sent them (RFC 3834).
    """

    def __init__(
        self, message_url: str | None, phone_region: str | None = None, list_unsubscribe: str | None = None,
        auto_submitted: bool = False,
    ) -> None:  # fmt: skip
        self._channels = [Channel(url) for url in (message_url or "").split()]
        self._phone_region = phone_region
        self._unsubscribe = Template(list_unsubscribe) if list_unsubscribe else None
        self._auto_submitted = auto_submitted

    @classmethod
    def of(cls, settings: Any) -> Messenger:
        """Return the messenger of the service's settings."""
        url = settings.message_url
        return cls(
            url.get_secret_value() if url else None,
            settings.phone_region,
            settings.message_list_unsubscribe,
            settings.message_auto_submitted,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The next message opens new ones."""
        for channel in self._channels:
            channel.close()

    def check(self) -> None:
        """Check, without sending anything, that messages can be sent at all.

        Raises:
            ChannelUnavailable: `MESSAGE_URL` is not set, or one of its URLs is unusable; the message says which.
        """
        if not self._channels:
            raise ChannelUnavailable("MESSAGE_URL is not set, so no message can be sent")
        self.check_fields()
        for number, channel in enumerate(self._channels, start=1):
            if (reason := channel.why_unusable()) is not None:
                raise ChannelUnavailable(f"URL {number} of MESSAGE_URL {reason}")

    def check_fields(self) -> None:
        """Check that the recipients of messages are clear, even if `MESSAGE_URL` is not set.

        Raises:
            ChannelUnavailable: one of its URLs, or MESSAGE_LIST_UNSUBSCRIBE, names a field that no contact has; the
                message says which.
        """
        for number, channel in enumerate(self._channels, start=1):
            if unknown := channel.template.unknown_field:
                raise ChannelUnavailable(f"URL {number} of MESSAGE_URL names {{{unknown}}}, which no contact has")
        if self._unsubscribe and (unknown := self._unsubscribe.unknown_field):
            raise ChannelUnavailable(f"MESSAGE_LIST_UNSUBSCRIBE names {{{unknown}}}, which no contact has")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces in all URLs, each once."""
        return tuple(dict.fromkeys(field for channel in self._channels for field in channel.template.fields))

    def destination(self, contact: Contact) -> str | None:
        """Return the destination of a message to the contact, for people to read; None without one.

        If `MESSAGE_URL` is not set, it is the e-mail address, so that a rehearsal needs no channel.
        """
        if not self._channels:
            return FIELDS["email"](contact)
        channel = self._channel(contact)
        if channel is None:
            return None
        addresses = [FIELDS[field](contact) for field in channel.template.fields if field in ADDRESSES]
        return ", ".join(filter(None, addresses)) or "the address in MESSAGE_URL"

    def deliver(self, contact: Contact, subject: str, body: str, *, key: str | None = None) -> None:
        """Send one plain-text message, once. Return when the channel has taken it.

        Args:
            contact: the recipient.
            subject: the subject.
            body: the text.
            key: identifies the message, so that an e-mail that is sent again has the same Message-ID.

        Raises:
            ChannelUnavailable: the channel reaches nobody now; nothing was sent.
            DeliveryUncertain: the channel broke off; the message may have been sent.
            DeliveryDeferred: the server refused this recipient for now; nothing was sent.
            RecipientRefused: the server refused this recipient for good; nothing was sent.
            DeliveryFailed: this recipient has no address that the channel takes; nothing was sent.
        """
        if not self._channels:
            raise ChannelUnavailable("MESSAGE_URL is not set, so no message can be sent")
        channel = self._channel(contact)
        if channel is None:
            raise DeliveryFailed("the contact has no address that MESSAGE_URL names")
        values = values_of(contact, channel.template.fields, self._phone_region)
        channel.send(values, subject, body, Manner(tuple(self._headers(contact).items()), key))

    def _channel(self, contact: Contact) -> Channel | None:
        return next((channel for channel in self._channels if channel.template.suits(contact)), None)

    def _headers(self, contact: Contact) -> Mapping[str, str]:
        headers = {}
        if self._unsubscribe and self._unsubscribe.suits(contact):
            url = self._unsubscribe.replaced(
                lambda field: quote(FIELDS[field](contact) or "", safe="", errors="replace")
            )
            if len(url) <= LONGEST_UNSUBSCRIBE:
                headers["List-Unsubscribe"] = f"<{url}>"
                if url.startswith("https:"):
                    headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        if self._auto_submitted:
            headers["Auto-Submitted"] = "auto-generated"
        return headers


def why_unusable(url: str, template: str) -> str | None:
    """Return why nothing can be sent to an Apprise URL, as the predicate of a sentence; None if it is well-formed.

    Args:
        url: the URL.
        template: the URL in the setting. No part of it that may be secret is in the result.
    """
    reason = Channel(url).why_unusable()
    return None if reason is None else redacted(reason, template)


def announce(url: str, subject: str, body: str, *, redirects: bool = True) -> None:
    """Send one plain-text message to a fixed Apprise URL, such as one of `ALERT_URL`, within `bounds.SECONDS`.

    Args:
        url: the URL.
        subject: the subject.
        body: the text.
        redirects: whether a server may redirect the request.

    Raises:
        DeliveryFailed: the channel did not take the message. The reason has no part of the URL that may be secret.
    """
    channel = Channel(url)
    if (reason := channel.why_unusable()) is not None:
        raise DeliveryFailed(f"the URL {reason}")
    with bounded() as bounds:
        try:
            channel.send({}, subject, body, Manner(), redirects=redirects)
        except DeliveryFailed:
            if not bounds.broken:
                raise
        finally:
            channel.close()
    if bounds.broken:  # whatever the answer's beginning said: it may come twice, and is not lost
        raise DeliveryFailed(bounds.broken)


def destination(url: str) -> tuple[str, int | None] | None:
    """Return the host and, if known, the port to which messages for an Apprise URL go.

    Return None if the URL does not name a host, as with services that have one address for everybody.
    """
    if is_mail(url):
        try:
            server = mail_urls.read(url).server
        except UnusableURL:
            return None
        return server.host, server.port
    with captured():
        plugin: NotifyBase | None = Apprise.instantiate(url, asset=ASSET)
    templates: Sequence[str] = () if plugin is None else plugin.templates
    if plugin is None or not any("{host}" in template for template in templates):
        return None
    return plugin.host, plugin.port or (443 if plugin.secure else 80)
