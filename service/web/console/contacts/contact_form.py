"""Forms to create and to edit a contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.contacts.cleaning import MAX_NAME, MAX_VALUES
from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.usecases.contacts import ContactBook
from service.web.console.contacts import erasure_words
from service.web.console.form_fields import Field
from service.web.console.page import RenderedPage, show
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

_HINTS = {
    "given_name": "Greetings begin with it.",
    "birthday": "Such as 1990-04-12, or --04-12 without the year.",
    "emails": f"Messages go to the first one. At most {MAX_VALUES}.",
    "urls": "Addresses that begin with http:// or https://. The visitor bot visits the first one.",
    "language": "The language of greetings, such as fr or de-AT.",
    "deceased": "They get no greetings, and their birthday is not shown as upcoming.",
}
_LABELS = {"emails": "E-mail addresses", "phones": "Phone numbers", "urls": "Web pages", "deceased": "Has died"}
_TEXTS = ("name", "given_name", "family_name", "birthday", "language")
_LISTS = ("emails", "phones", "urls")


class NewContact(RenderedPage):
    """`/contacts/new`."""

    access = BY_SESSION.needing(get=Scope.CONTACTS)

    def render(self, req: Request, resp: Response) -> None:
        """Show an empty form."""
        show(resp, "contact_form.html", "/contacts", contact=None, fields=form_of({}))


class EditContact(RenderedPage):
    """`/contacts/{contact_id}`."""

    access = BY_SESSION.needing(get=Scope.CONTACTS)

    def __init__(self, pool: Pool, contacts: ContactBook) -> None:
        super().__init__(pool)
        self._contacts = contacts

    def render(self, req: Request, resp: Response, contact_id: str) -> None:
        """Show the form with the contact's fields, and the bots' notes about the contact."""
        contact = self._contacts.get(contact_id)
        show(
            resp,
            "contact_form.html",
            "/contacts",
            contact=contact,
            fields=form_of(contact),
            words=erasure_words,
            links=caller().limits.are_none,
        )


def form_of(contact: Mapping[str, Any]) -> list[Field]:
    """Return the form's fields. Saving an empty one removes its value."""
    return [
        *(_field(name, "text", contact.get(name) or "") for name in _TEXTS),
        *(_field(name, "lines", "\n".join(contact.get(name, ()))) for name in _LISTS),
        _field("deceased", "check", bool(contact.get("deceased"))),
    ]


def _field(name: str, kind: str, value: str | bool) -> Field:
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    longest = MAX_NAME if kind == "text" else None
    return Field(name, name, kind, label, _HINTS.get(name, ""), value, optional=False, longest=longest)
