"""Use case of the test message: send one through `MESSAGE_URL`, to prove the channel before a job needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.contacts.cleaning import clean_email, clean_phone, clean_url
from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.input.refusals import listed
from service.domain.input.validation import validated
from service.domain.people.contact import Contact
from service.errors import ChannelUnavailable, Conflict, ValidationFailed
from service.messages import Messenger
from service.store.audit.entries import Entry, entry_of

SUBJECT = "A test message from Bot Scheduler"
BODY = "This message proves that MESSAGE_URL works. It was sent by hand, not by a job.\n"


class MessageTestRequest(BaseModel):
    """The recipient of a test message: a contact, or the addresses that `MESSAGE_URL` names."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    contact_id: str | None = Field(default=None, description="A contact of the address book.")
    email: str | None = Field(default=None, description="The value of {email} in MESSAGE_URL.")
    phone: str | None = Field(default=None, description="The value of {phone} in MESSAGE_URL.")
    url: str | None = Field(default=None, description="The value of {url} in MESSAGE_URL.")

    @field_validator("email")
    @classmethod
    def _check_email(cls, value: str | None) -> str | None:
        return _cleaned(value, clean_email, "an e-mail address")

    @field_validator("phone")
    @classmethod
    def _check_phone(cls, value: str | None) -> str | None:
        return _cleaned(value, clean_phone, "a phone number")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        return _cleaned(value, clean_url, "an http(s) address")


def _cleaned(value: str | None, clean: Callable[[str], str | None], expected: str) -> str | None:
    if value is None:
        return None
    cleaned = clean(value)
    if cleaned is None:
        raise ValueError(f"must be {expected}")
    return cleaned


class Contacts(Protocol):
    """The address book, as far as this use case needs it."""

    def get(self, contact_id: str, /) -> dict[str, Any]:
        """Read one contact. Raises NotFound."""


class Actions(Protocol):
    """The audit log, as far as this use case needs it."""

    def note(self, entry: Entry, /) -> object:
        """Note an action before it is made."""


class MessageTester:
    """Sends test messages.

    Args:
        messenger: makes a messenger for each message: threads do not share connections.
        contacts: the address book.
        actions: notes each message in the audit log before it is sent; None for nowhere.
    """

    def __init__(self, messenger: Callable[[], Messenger], contacts: Contacts, actions: Actions | None = None) -> None:
        self._messenger = messenger
        self._contacts = contacts
        self._actions = actions

    def send(self, body: object | None) -> dict[str, Any]:
        """Send one message and wait until the channel has taken it. The ledger does not record it.

        Args:
            body: a `MessageTestRequest` as parsed JSON; None for a `MESSAGE_URL` that names no address.

        Returns:
            `{"sent": true, "to", "subject"}`.

        Raises:
            ValidationFailed: the body is malformed, or lacks an address that `MESSAGE_URL` names.
            Forbidden: the body names a contact, and the caller lacks the scope `contacts`.
            NotFound: there is no such contact.
            Conflict: `MESSAGE_URL` is unset or unusable; the message says why.
            DeliveryFailed: the channel did not take the message, or broke off; the message says why.
        """
        request = validated(MessageTestRequest, {} if body is None else body, "")
        recipient = self._recipient(request)
        with self._messenger() as messenger:
            try:
                messenger.check()
            except ChannelUnavailable as error:
                raise Conflict(str(error)) from error
            to = messenger.destination(recipient)
            if to is None:
                raise self._unreachable(request, messenger.fields)
            if self._actions is not None:
                self._actions.note(entry_of("message.test", request.contact_id or ""))
            messenger.deliver(recipient, SUBJECT, BODY)
        return {"sent": True, "to": to, "subject": SUBJECT}

    def _unreachable(self, request: MessageTestRequest, fields: Sequence[str]) -> ValidationFailed:
        named = listed([f"{{{field}}}" for field in fields], "and")
        if request.contact_id is not None:
            return ValidationFailed.of(
                "contact_id", f"must be a contact with the fields that MESSAGE_URL names: {named}"
            )
        given = request.model_dump(exclude_none=True)
        unused = next((field for field in given if field not in fields), None)
        if unused is not None:
            return ValidationFailed.of(unused, f"is not used: MESSAGE_URL names {named} only")
        return ValidationFailed.of("body", f"must give the addresses that MESSAGE_URL names: {named}")

    def _recipient(self, request: MessageTestRequest) -> Contact:
        addresses = (request.email, request.phone, request.url)
        if request.contact_id is None:
            emails, phones, urls = (() if address is None else (address,) for address in addresses)
            return Contact(
                id="test", name="Test Recipient", given_name="Test", family_name="Recipient", birthday="1990-04-12",
                language="en", emails=emails, phones=phones, urls=urls,
            )  # fmt: skip
        if any(addresses):
            raise ValidationFailed.of("contact_id", "must be given alone: the contact has addresses of its own")
        caller().require(Scope.CONTACTS)  # the answer shows an address of the contact
        fields = self._contacts.get(request.contact_id)
        texts = {name: fields[name] for name in ("name", "given_name", "family_name", "birthday", "language")}
        lists = {name: tuple(fields[name]) for name in ("emails", "phones", "urls")}
        contact: Any = {"id": request.contact_id, **texts, **lists}
        return Contact(**contact)
