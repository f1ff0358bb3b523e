"""Mail channels: letters that we hand to a mail server ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.messages.headers import Mailbox
from service.messages.letters import Letter
from service.messages.mail_urls import MailURL, UnusableURL, fill, fill_mailbox, read
from service.messages.outcomes import ChannelUnavailable, DeliveryFailed, DeliveryUncertain
from service.messages.services import samples
from service.messages.smtp import Submission
from service.messages.templates import Template, Values


@dataclass(frozen=True, slots=True)
class Manner:
    """The headers and the key of a letter to a contact, the same for all its tries.

    Args:
        headers: values that stand as they are, by name.
        key: see `Letter.key`.
    """

    headers: tuple[tuple[str, str], ...] = ()
    key: str | None = None


class Mail:
    """One mail URL, with a contact's fields in braces, and the connection to its server.

    Args:
        template: the URL.

    Raises:
        UnusableURL: nothing can be sent to it; the message says why.
    """

    def __init__(self, template: Template) -> None:
        self._url: MailURL = read(template.text)
        self._submission = Submission(self._url.server)
        try:
            list(self._letters(samples(0, template.fields), "", "", Manner()))
        except DeliveryFailed as error:
            raise UnusableURL(f"makes an address that cannot be used: {error}") from None

    def send(self, values: Values, subject: str, body: str, manner: Manner) -> None:
        """Send a letter to each recipient that the URL names.

        Args:
            values: the contact's fields, as they are sent.
            subject: the subject.
            body: the text.
            manner: the headers and the key.

        Raises:
            DeliveryFailed: as in `Submission.send`. If only some of several recipients got it, the outcome is
                DeliveryUncertain.
        """
        letters = list(self._letters(values, subject, body, manner))
        sent, failures = 0, []
        for letter in letters:
            try:
                self._submission.send(letter)
                sent += 1
            except DeliveryFailed as error:
                failures.append((letter.to.address, error))
                if isinstance(error, ChannelUnavailable):
                    break
        if not failures:
            return
        if sent:
            told = "; ".join(f"{address}: {error}" for address, error in failures)
            raise DeliveryUncertain(f"sent to {sent} of {len(letters)} recipients: {told}")
        raise next((error for _, error in failures if isinstance(error, DeliveryUncertain)), failures[0][1])

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._submission.close()

    def _letters(self, values: Values, subject: str, body: str, manner: Manner) -> Iterator[Letter]:
        def filled(mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
            return tuple(fill_mailbox(mailbox, values) for mailbox in mailboxes)

        url = self._url
        own = {name: fill(text, values) for name, text in url.headers.items()}
        named = {name.lower() for name in own}
        recipients: dict[str, Mailbox] = {}
        for mailbox in filled(url.to):
            recipients.setdefault(mailbox.address, mailbox)
        for to in recipients.values():
            yield Letter(
                sender=fill_mailbox(url.sender, values),
                to=to,
                subject=subject,
                body=body,
                copies=filled(url.copies),
                blind_copies=filled(url.blind_copies),
                reply_to=filled(url.reply_to),
                html=url.html,
                extra=own,
                exact={name: value for name, value in manner.headers if name.lower() not in named},
                key=manner.key,
                zone=url.zone,
            )
