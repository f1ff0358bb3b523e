"""Parser of Apprise's mail URLs (`mailto://`, `mailtos://`).

Apprise parses the URL and knows the servers of well-known providers. This is the only module that reads its objects
(`tests/bots/test_mail_urls.py` fails if its version behaves otherwise). Apprise sees marks in place of the contact's
fields, and the marks are replaced in the parsed parts. So no field can become another part of the URL. We parse the
recipients ourselves, since Apprise cuts addresses (`o'neil@` becomes `neil@`).
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from urllib.parse import unquote

from apprise import Apprise
from apprise.exception import AppriseException
from apprise.plugins.email import NotifyEmail

from service.messages.addresses import email_to_send
from service.messages.apprise_log import ASSET, captured
from service.messages.headers import Mailbox
from service.messages.outcomes import DeliveryFailed
from service.messages.templates import Template, Values
from service.messages.wire import Server

TIMEOUT = 30.0
"""Seconds that a server may take for an answer, unless the URL says otherwise (`cto`, `rto`)."""
_MAIL = re.compile(r"mailtos?:", re.IGNORECASE)
_OPTIONS = frozenset({
    "from", "name", "smtp", "mode", "reply", "to", "cc", "bcc", "format", "verify", "cto", "rto", "tz", "overflow",
    "user", "pass", "password", "port",
})  # fmt: skip
_HEADERS_OF_OURS = frozenset({
    "bcc", "cc", "content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version", "reply-to",
    "sender", "subject", "to",
})  # fmt: skip
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
_UNIQUE = secrets.token_hex(6)
_MARK = re.compile(rf"qz{_UNIQUE}([a-z_]+?)zq")
_STAND_IN = "stand-in@fields.example"
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^",;<>])+')
_NAMED = re.compile(r"\s*(?P<name>.*?)\s*<(?P<address>[^<>]*)>\s*", re.DOTALL)


class UnusableURL(Exception):
    """Nothing can be sent to the URL. The message says why, as the predicate of a sentence."""


@dataclass(frozen=True, slots=True)
class MailURL:
    """A parsed mail URL. Its texts may hold marks of the contact's fields.

    Args:
        server: the mail server.
        sender, to, copies, blind_copies, reply_to: as in `Letter`.
        html: whether letters have an HTML part.
        headers: more headers.
        zone: the time zone of the letters' dates; None for UTC.
    """

    server: Server
    sender: Mailbox
    to: tuple[Mailbox, ...]
    copies: tuple[Mailbox, ...]
    blind_copies: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    html: bool
    headers: dict[str, str]
    zone: tzinfo | None


def is_mail(url: str) -> bool:
    """Return whether this is a mail URL."""
    return _MAIL.match(url) is not None


def read(template: str) -> MailURL:
    """Parse a mail URL with a contact's fields in braces.

    Raises:
        UnusableURL: it is malformed, or has an option that this service does not support.
    """
    _refuse_unknown_options(template)
    with captured():
        parsed: dict[str, Any] | None = NotifyEmail.parse_url(Template(template).replaced(_mark))  # type: ignore[no-untyped-call]
        if not parsed:
            raise UnusableURL("is malformed")
        sender, to = _sender(parsed["qsd"]), [box for text in parsed["targets"] for box in _mailboxes(text)]
        parsed["from_addr"], parsed["targets"] = _STAND_IN if sender.address else "", []
        for key in ("cc", "bcc", "reply_to"):
            parsed.pop(key, None)
        plugin = _instantiated(parsed)
    name, address = plugin.from_addr
    if not sender.address:
        sender = Mailbox(str(address), sender.name or str(name or ""))
    qsd = parsed["qsd"]
    url = MailURL(
        server=_server(plugin, qsd),
        sender=sender,
        to=tuple(to) or (Mailbox(sender.address),),
        copies=_mailboxes(qsd.get("cc", "")),
        blind_copies=_mailboxes(qsd.get("bcc", "")),
        reply_to=_mailboxes(qsd.get("reply", "")),
        html=_wants_html(qsd),
        headers=_headers(parsed["headers"]),
        zone=plugin.tzinfo if "tz" in qsd else None,
    )
    _check_addresses(url)
    return url


def _instantiated(parsed: dict[str, Any]) -> Any:
    """Return Apprise's own object. Its log, which has the password, is discarded."""
    try:
        plugin = Apprise.instantiate(parsed, asset=ASSET, suppress_exceptions=False)
    except (AppriseException, TypeError, ValueError) as error:
        raise UnusableURL(f"is refused: {error}") from None
    if plugin is None:
        raise UnusableURL("is malformed")
    return plugin


def fill(text: str, values: Values) -> str:
    """Return a parsed text with the contact's fields in place of their marks."""
    return _MARK.sub(lambda match: values[match[1]], text)


def fill_mailbox(mailbox: Mailbox, values: Values) -> Mailbox:
    """Return a mailbox with the contact's fields, and with the address as it is sent to.

    Raises:
        DeliveryFailed: the address is invalid.
    """
    return Mailbox(email_to_send(fill(mailbox.address, values)), fill(mailbox.name, values))


def _mark(field: str) -> str:
    return f"qz{_UNIQUE}{field}zq"


def _has_fields(text: str) -> bool:
    return _MARK.search(text) is not None


def _server(plugin: Any, qsd: dict[str, str]) -> Server:
    server = Server(
        host=plugin.smtp_host.strip("[]"),
        port=int(plugin.port),
        mode=plugin.secure_mode,
        user=plugin.user,
        password=plugin.password,
        verify=bool(plugin.verify_certificate),
        connect_timeout=_seconds(qsd, "cto"),
        answer_timeout=_seconds(qsd, "rto"),
    )
    if not 1 <= server.port <= 65535 or qsd.get("port", str(server.port)) != str(server.port):
        raise UnusableURL("has an invalid port")
    signing_in = (server.user or "", server.password) if server.password else ()
    if any(_has_fields(text) for text in (server.host, server.mode, *signing_in)):
        raise UnusableURL("has a field of the contact in its server or sign-in part")
    return server


def _seconds(qsd: dict[str, str], option: str) -> float:
    """Return a time limit. Apprise ignores an invalid one; here it is refused."""
    if option not in qsd:
        return TIMEOUT
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", qsd[option]) or float(qsd[option]) == 0:
        raise UnusableURL(f"has {option}=, which must be a number of seconds")
    return float(qsd[option])


def _sender(qsd: dict[str, str]) -> Mailbox:
    """Return the mailbox of `from` and `name`, without an address if they have none."""
    text, name = qsd.get("from", ""), qsd.get("name", "")
    if "<" not in text and "@" not in text and _mark("email") not in text:
        return Mailbox("", name or text)
    mailboxes = _mailboxes(text)
    if len(mailboxes) != 1:
        raise UnusableURL("must have exactly one address in from=")
    return Mailbox(mailboxes[0].address, name or mailboxes[0].name)


def _mailboxes(text: str) -> tuple[Mailbox, ...]:
    """Parse a list with commas (or semicolons), such as `a@example.org, "Rivers, Amelia" <b@example.org>`."""
    if _ITEM.sub("", text).strip(",; \t\r\n"):
        raise UnusableURL("has a malformed list of addresses")
    return tuple(mailbox for item in _ITEM.findall(text) for mailbox in _mailboxes_of(item))


def _mailboxes_of(item: str) -> list[Mailbox]:
    if "<" not in item.partition('"')[0] + item.rpartition('"')[2]:
        return [Mailbox(address) for address in item.split()]
    match = _NAMED.fullmatch(item)
    if match is None:
        raise UnusableURL("has a malformed list of addresses")
    name = match["name"].rstrip("+ ")  # a blank, as forms write it
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return [Mailbox(match["address"].strip(), name)]


def _wants_html(qsd: dict[str, str]) -> bool:
    wanted = qsd.get("format", "text").lower()
    if wanted not in ("text", "html"):
        raise UnusableURL("has format=, which must be text or html")
    return wanted == "html"


def _headers(given: dict[str, str]) -> dict[str, str]:
    for name in given:
        if not _HEADER_NAME.fullmatch(name) or _has_fields(name):
            raise UnusableURL("has a header (+…) whose name is invalid")
        if name.lower() in _HEADERS_OF_OURS:
            raise UnusableURL(f"sets the header {name}, which the service sets itself")
    return given


def _refuse_unknown_options(template: str) -> None:
    """Refuse unknown and repeated options. Apprise ignores an unknown option, and takes the last of repeated ones."""
    pairs = template.partition("?")[2].replace(";", "&").split("&")
    keys = [unquote(pair.partition("=")[0]).strip() for pair in pairs if pair]
    for key, times in Counter(key.lower() for key in keys).items():
        if not key.startswith("+") and key not in _OPTIONS:
            raise UnusableURL(f"has the option {key[:20]}, which is not supported")
        if times > 1:
            raise UnusableURL(f"has the option {key[:20]} more than once")
    if re.search(r"[?&;]overflow=(?!upstream(?:[&;]|$))", template, re.IGNORECASE):
        raise UnusableURL("has overflow=, which must be upstream")


def _check_addresses(url: MailURL) -> None:
    """Check the addresses that come from the URL rather than from a contact."""
    for mailbox in (url.sender, *url.to, *url.copies, *url.blind_copies, *url.reply_to):
        if not _has_fields(mailbox.address):
            try:
                email_to_send(mailbox.address)
            except DeliveryFailed as error:
                raise UnusableURL(f"has an address that cannot be used: {error}") from None
