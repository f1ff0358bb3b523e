"""Sends messages to contacts through the channels of `MESSAGE_URL`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self
from urllib.parse import quote

from apprise import Apprise
from apprise.plugins.base import NotifyBase

from service.messages import mail_urls
from service.messages.apprise_log import ASSET, captured
from service.messages.mail import Mail, Manner
from service.messages.mail_urls import UnusableURL, is_mail
from service.messages.outcomes import ChannelUnavailable, DeliveryFailed
from service.messages.secrecy import redacted
from service.messages.services import Misread, Service
from service.messages.templates import ADDRESSES, FIELDS, Recipient, Template, Values, values_of

LONGEST_UNSUBSCRIBE = 900
"""Characters of a `List-Unsubscribe` URL, which no fold may cut: lines have 998 at most (RFC 5322, 2.1.1)."""


class Channel:
    """One URL of `MESSAGE_URL`, or of `ALERT_URL`.

    Args:
        url: as the setting has it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.template = Template(url)

    @cached_property
    def _way(self) -> Mail | Service:
        return Mail(self.template) if is_mail(self.url) else Service(self.template)

    def why_unusable(self) -> str | None:
        """Why nothing can be sent to it, as the predicate of a sentence; None if it is well-formed."""
        try:
            assert self._way
        except UnusableURL as error:
            return redacted(str(error), self.url)
        return None

    def send(self, values: Values, subject: str, body: str, manner: Manner, *, redirects: bool = True) -> None:
        """Sends one message; the values are those of its fields.

        Raises:
            DeliveryFailed: it was not taken, and why, without anything of the URL that may be secret.
        """
        with self._redacting():
            if isinstance(self._way, Mail):
                self._way.send(values, subject, body, manner)
            else:
                self._way.send(values, subject, body, redirects=redirects)

    def close(self) -> None:
        """Ends its connection, if it keeps one."""
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
        message_url: `MESSAGE_URL`: Apprise URLs, separated by spaces; None if it is unset. The first whose fields a
            contact has is used.
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
        """The messenger of the service's settings."""
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
        """Ends the connections. Another message makes new ones."""
        for channel in self._channels:
            channel.close()

    def check(self) -> None:
        """Finds out, without sending anything, whether messages could go out at all.

        Raises:
            ChannelUnavailable: `MESSAGE_URL` is unset, or one of its URLs cannot be used; says which.
        """
        if not self._channels:
            raise ChannelUnavailable("MESSAGE_URL is not set, so no message can be sent")
        self.check_fields()
        for number, channel in enumerate(self._channels, start=1):
            if (reason := channel.why_unusable()) is not None:
                raise ChannelUnavailable(f"URL {number} of MESSAGE_URL {reason}")

    def check_fields(self) -> None:
        """Finds out whether it can be told who would be reached; `MESSAGE_URL` may be unset.

        Raises:
            ChannelUnavailable: one of its URLs, or MESSAGE_LIST_UNSUBSCRIBE, names a field that no contact has; says
                which.
        """
        for number, channel in enumerate(self._channels, start=1):
            if unknown := channel.template.unknown_field:
                raise ChannelUnavailable(f"URL {number} of MESSAGE_URL names {{{unknown}}}, which no contact has")
        if self._unsubscribe and (unknown := self._unsubscribe.unknown_field):
            raise ChannelUnavailable(f"MESSAGE_LIST_UNSUBSCRIBE names {{{unknown}}}, which no contact has")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces of all its URLs, each once."""
        return tuple(dict.fromkeys(field for channel in self._channels for field in channel.template.fields))

    def destination(self, contact: Recipient) -> str | None:
        """Where a message to the contact would go, for people to read; None if nowhere.

        With `MESSAGE_URL` unset, it is the e-mail address, so that a rehearsal needs no channel.
        """
        if not self._channels:
            return FIELDS["email"](contact)
        channel = self._channel(contact)
        if channel is None:
            return None
        addresses = [FIELDS[field](contact) for field in channel.template.fields if field in ADDRESSES]
        return ", ".join(filter(None, addresses)) or "the address in MESSAGE_URL"

    def deliver(self, contact: Recipient, subject: str, body: str, *, key: str | None = None) -> None:
        """Sends one plain-text message, once; returns when the channel has taken it.

        Args:
            key: whatever is the same only where the same message is sent again, so that an e-mail that arrives twice
                can be told by its Message-ID.

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
        values = values_of(contact, channel.template.fields, self._phone_region)
        channel.send(values, subject, body, Manner(tuple(self._headers(contact).items()), key))

    def _channel(self, contact: Recipient) -> Channel | None:
        return next((channel for channel in self._channels if channel.template.suits(contact)), None)

    def _headers(self, contact: Recipient) -> Mapping[str, str]:
        found = {}
        if self._unsubscribe and self._unsubscribe.suits(contact):
            url = self._unsubscribe.replaced(
                lambda field: quote(FIELDS[field](contact) or "", safe="", errors="replace")
            )
            if len(url) <= LONGEST_UNSUBSCRIBE:
                found["List-Unsubscribe"] = f"<{url}>"
                if url.startswith("https:"):
                    found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        if self._auto_submitted:
            found["Auto-Submitted"] = "auto-generated"
        return found


def why_unusable(url: str, template: str) -> str | None:
    """Why nothing can be sent to an Apprise URL, as the predicate of a sentence; None if it is well-formed.

    Args:
        template: the URL as the setting has it, of which nothing that may be secret is told.
    """
    reason = Channel(url).why_unusable()
    return None if reason is None else redacted(reason, template)


def announce(url: str, subject: str, body: str, *, redirects: bool = True) -> None:
    """Sends one plain-text message to a fixed Apprise URL, such as one of `ALERT_URL`.

    Args:
        redirects: whether a server may send it on to another.

    Raises:
        DeliveryFailed: it was not taken, and why, without anything of the URL that may be secret.
    """
    channel = Channel(url)
    if (reason := channel.why_unusable()) is not None:
        raise DeliveryFailed(f"the URL {reason}")
    try:
        channel.send({}, subject, body, Manner(), redirects=redirects)
    finally:
        channel.close()


def destination(url: str) -> tuple[str, int | None] | None:
    """The host, and the port where it is known, to which messages for an Apprise URL go; None where it does not tell,
    as with services that have one address for everybody."""
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
