"""Channels other than mail: Apprise's plugins, each of which parses a URL in its own way.

Before anything is sent, the plugin's object is compared with the intended one. For that, the URL is parsed with samples
in place of the contact's fields, and in the resulting object the contact's fields replace the samples. If the two
differ, the plugin has cut, split, dropped or changed something, and nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from apprise import Apprise, NotifyFormat
from apprise.plugins.base import NotifyBase
from apprise.utils.parse import is_email, is_phone_no, parse_emails

from service.messages.addresses import email_to_send
from service.messages.apprise_log import ASSET, captured
from service.messages.mail_urls import TIMEOUT, UnusableURL
from service.messages.outcomes import DeliveryFailed
from service.messages.service_words import verdict
from service.messages.templates import ADDRESSES, Template, Values

_SAMPLES = (
    {"email": "qzsample.one@qzfirst.example.org", "phone": "+15550100107", "url": "https://qzfirst.example.org/one"},
    {"email": "qzother.two@qzsecond.example.net", "phone": "+15550100208", "url": "https://qzsecond.example.net/two"},
)
_NEVER = "\0"
"""A value that no plugin keeps."""
_HASH = "cached_url_identifier"
"""An attribute that is a hash of others."""


def samples(number: int, fields: tuple[str, ...]) -> dict[str, str]:
    """Return values that no contact has, of a first (0) or a second (1) set."""
    return {field: _SAMPLES[number].get(field, f"qzsample{number}{field.replace('_', '')}") for field in fields}


class Misread(DeliveryFailed):
    """The plugin reads the contact's address as another; nothing was sent. The message has no part of the URL."""


class Service:
    """One URL of a service, with a contact's fields in braces.

    Args:
        template: the URL.

    Raises:
        UnusableURL: nothing can be sent to it, or it is uncertain to whom; the message says why.
    """

    def __init__(self, template: Template) -> None:
        self._template = template
        _check_fixed_addresses(template.text)
        self._first = samples(0, template.fields)
        plugin = self._built(self._first)
        self._pattern: dict[str, Any] = {}
        if template.fields:
            again = _state(self._built(self._first))  # a difference comes from chance or the time
            kept = {name for name, value in _state(plugin).items() if again.get(name) == value}
            self._pattern = {name: value for name, value in vars(plugin).items() if name in kept}
            self._check_pattern()

    def send(self, values: Values, subject: str, body: str, *, redirects: bool = True) -> None:
        """Send one plain-text message, once.

        Args:
            values: the contact's fields, as they are sent.
            subject: the subject.
            body: the text.
            redirects: whether a server may redirect the request.

        Raises:
            DeliveryFailed: the message was not sent, or perhaps not, or would have gone to somebody else.
        """
        with captured() as lines:
            try:
                plugin = self._built(values)
            except UnusableURL:
                raise self._refused(values) from None
            if self._misread(plugin, values) or not all(_reads_whole(field, text) for field, text in values.items()):
                raise self._refused(values)
            plugin.redirects = plugin.redirects and redirects
            sent = _notify(plugin, subject, body, lines)
        if not sent:
            kind, reason = verdict(lines)
            raise kind(reason)

    def _built(self, values: Values) -> NotifyBase:
        """Return Apprise's own object. Called directly, it neither retries nor sends from another thread."""
        url = self._template.filled(values)
        with captured() as lines:
            plugin = Apprise.instantiate(url, asset=ASSET)
        if plugin is None:
            raise UnusableURL(f"is not usable: {lines[-1]}" if lines else "is not usable")
        if any(line.startswith("Dropped invalid") for line in lines):
            raise UnusableURL("is not usable: it has an invalid address")
        if "cto=" not in url:
            plugin.socket_connect_timeout = TIMEOUT
        if "rto=" not in url:
            plugin.socket_read_timeout = TIMEOUT
        return plugin

    def _check_pattern(self) -> None:
        """Check that the plugin's object shows where each address went, with other samples as well."""
        kept = repr([_canonical(value, str) for value in self._pattern.values()])
        for field in self._template.fields:
            text = self._first[field]
            if field in ADDRESSES and not any(form in kept for form in _forms(text)):
                raise UnusableURL(f"has {{{field}}} in a place where it is unclear whom the channel reaches")
        others = samples(1, self._template.fields)
        if (name := self._misread(self._built(others), others)) is not None:
            raise UnusableURL(f"has a field in a place where it is unclear how the channel reads it ({name})")

    def _misread(self, plugin: NotifyBase, values: Values) -> str | None:
        """Return the attribute of the plugin's object that differs from the intended one; None if none does."""
        state, ways = _state(plugin), _ways_to_replace(self._first, values)
        for name, value in self._pattern.items():
            if all(_canonical(value, replaced) != state.get(name) for replaced in ways):
                return name
        return None

    def _refused(self, values: Values) -> Misread:
        told = ", ".join(value for field, value in values.items() if field in ADDRESSES) or ", ".join(values.values())
        return Misread(f"the channel does not take the contact's address {told}: it reads another one, or none")


def _notify(plugin: NotifyBase, subject: str, body: str, lines: list[str]) -> bool:
    try:
        return bool(plugin.notify(body=body, title=subject, body_format=NotifyFormat.TEXT))
    except Exception as error:  # noqa: BLE001 - a plugin's own defect; it may have sent
        lines.append(f"Socket Exception: {error}")
        return False


def _reads_whole(field: str, text: str) -> bool:
    """Return whether Apprise's own parsers, which some plugins call when they send, take all of it or nothing."""
    if field == "phone":
        number: Any = is_phone_no(text, min_len=3)  # type: ignore[no-untyped-call]
        return not number or bool(number["full"] == text.removeprefix("+"))
    email: Any = field != "url" and is_email(text)  # type: ignore[no-untyped-call]
    return not email or bool(email["full_email"] == text)


def _check_fixed_addresses(url: str) -> None:
    """Refuse an e-mail address in the URL's path or options that Apprise reads as another.

    Raises:
        UnusableURL: there is one.
    """
    for text in map(unquote, re.split(r"[/?&=,;]", url.partition("://")[2])[1:]):
        try:
            address = email_to_send(text)
        except DeliveryFailed:
            continue  # it is not an address, or has a field in it
        read: list[str] = parse_emails(address)  # type: ignore[no-untyped-call]
        if not _reads_whole("email", address) or read != [address]:
            raise UnusableURL("has an e-mail address that the channel reads as another")


# comparing objects


def _state(plugin: NotifyBase) -> dict[str, Any]:
    """Return a plugin's attributes, each in a form that can be compared."""
    return {name: _canonical(value, str) for name, value in vars(plugin).items() if not name.endswith(_HASH)}


def _canonical(value: Any, replaced: Callable[[str], str]) -> Any:
    """Return data with their texts replaced. Of any other object, return the class alone."""
    if isinstance(value, str):
        return replaced(str.__str__(value))  # also the value of an Enum's member
    if isinstance(value, bytes):
        return replaced(value.decode("latin-1"))
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        pairs = [(_canonical(key, replaced), _canonical(inner, replaced)) for key, inner in value.items()]
        return ["dict", *sorted(pairs, key=repr)]
    if isinstance(value, list | tuple):
        return [_canonical(inner, replaced) for inner in value]
    if isinstance(value, set | frozenset):
        return ["set", *sorted((_canonical(inner, replaced) for inner in value), key=repr)]
    return f"<{type(value).__name__}>"


def _ways_to_replace(before: Values, after: Values) -> list[Callable[[str], str]]:
    """Return functions that replace the samples: one for each value that a form of a sample may stand for."""
    meant: dict[str, list[str]] = {}
    for field, sample in before.items():
        for form, value in zip(_forms(sample), _forms(after[field]), strict=True):
            meant.setdefault(form, []).append(value)
    pattern = re.compile("|".join(re.escape(form) for form in sorted(meant, key=len, reverse=True)))
    most = max(map(len, meant.values()), default=0)

    def replacing(number: int) -> Callable[[str], str]:
        return lambda text: pattern.sub(lambda match: meant[match[0]][min(number, len(meant[match[0]]) - 1)], text)

    return [replacing(number) for number in range(most)]


def _forms(text: str) -> tuple[str, ...]:
    """Return the forms in which plugins keep a value: as it is, quoted, without its plus, without country code 1."""
    digits = text[1:] if re.fullmatch(r"\+\d+", text) else text
    national = text[2:] if re.fullmatch(r"\+1\d{10}", text) else _NEVER if digits != text else text
    return text, quote(text, safe=""), quote(text), digits, national
