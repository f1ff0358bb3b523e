"""The routes of the address book."""

from __future__ import annotations

import falcon

from service.contacts.reading.charsets import file_codec_of
from service.contacts.reading.files import ReadOptions
from service.contacts.writing.exports import KINDS, Kind
from service.errors import ValidationFailed
from service.web.api.protocols import Contacts
from service.web.http import paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import put_aside, read_object
from service.web.http.rendering import send_pieces
from service.web.http.request_slots import RequestSlots


class ContactList:
    """`/scheduler/contacts`"""

    access = BY_KEY

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of contacts: `limit` 1–200, 50 unless told."""
        limit = query.integer(req, "limit", low=1, high=200, default=50)
        paging.send_page(req, resp, self._contacts.page(limit, paging.cursor(req)))

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Add a contact: 201."""
        resp.media = self._contacts.create(read_object(req))
        resp.status = falcon.HTTP_201


class Contact:
    """`/scheduler/contacts/{contact_id}`"""

    access = BY_KEY

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    def on_get(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """The contact."""
        resp.media = self._contacts.get(contact_id)

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Change the fields that the body names."""
        resp.media = self._contacts.update(contact_id, read_object(req))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Delete the contact: 204, without a body."""
        self._contacts.delete(contact_id)
        resp.status = falcon.HTTP_204


class Merge:
    """`/scheduler/contacts/{contact_id}/merge`"""

    access = BY_KEY

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    def on_post(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Make one contact of several: those that the body names become parts of this one."""
        resp.media = self._contacts.merge(contact_id, read_object(req))


class Duplicates:
    """`/scheduler/contacts/duplicates`

    Args:
        slots: for looking through the whole address book, which takes its time: one too many is 503.
    """

    access = BY_KEY

    def __init__(self, contacts: Contacts, slots: RequestSlots) -> None:
        self._contacts = contacts
        self._slots = slots

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Groups of contacts that may be one person, for somebody to decide: `limit` 1–200, 20 unless told."""
        limit = query.integer(req, "limit", low=1, high=200, default=20)
        cursor = paging.cursor(req)
        with self._slots.held():
            page = self._contacts.duplicates(limit, cursor)
        paging.send_page(req, resp, page)

    on_head = on_get


class Import:
    """`/scheduler/contacts/import`

    Args:
        limit: the longest file, in bytes.
        slots: for imports, which take their time: one too many is 503.
    """

    access = BY_KEY

    def __init__(self, contacts: Contacts, limit: int, slots: RequestSlots) -> None:
        self._contacts = contacts
        self._limit = limit
        self._slots = slots

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Import the address book in the body and answer what became of it.

        The upload is put aside in a temporary file first: one that breaks off or is too long imports nothing, and a
        slow one holds no connection to the store. `date_order` and `charset` say what is known of the file.
        """
        if (req.content_type or "").lower().startswith("multipart/"):
            raise ValidationFailed.of("body", "must be the file itself, not a form (curl: --data-binary @file)")
        options = _read_options(req)
        with self._slots.held(), put_aside(req, self._limit) as upload:
            if not upload.read(1):
                raise ValidationFailed.of("", "The file is empty; send a vCard or CSV file with contacts.")
            upload.seek(0)
            resp.media = self._contacts.import_stream(upload, options)


class Export:
    """`/scheduler/contacts/export`

    Args:
        slots: for exports, which take their time: one too many is 503.
    """

    access = BY_KEY

    def __init__(self, contacts: Contacts, slots: RequestSlots) -> None:
        self._contacts = contacts
        self._slots = slots

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All contacts as a file, vCard 3.0 or with `?format=csv` CSV; importing it again changes nothing."""
        with self._slots.held_while_sent(resp):
            self.on_head(req, resp)

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The same without a body, which takes no place."""
        send_file(resp, self._contacts, _kind(req))


def send_file(resp: falcon.Response, contacts: Contacts, kind: Kind) -> None:
    """Answer the whole address book as a file to be kept."""
    send_pieces(resp, contacts.export(kind), kind.media_type)
    resp.downloadable_as = kind.file_name


def _kind(req: falcon.Request) -> Kind:
    asked_for = query.text(req, "format") or "vcard"
    if asked_for not in KINDS:
        raise ValidationFailed.of("format", "must be vcard or csv")
    return KINDS[asked_for]


def _read_options(req: falcon.Request) -> ReadOptions:
    """Raises ValidationFailed where one of them is not known."""
    order, charset = query.text(req, "date_order"), query.text(req, "charset")
    if order not in (None, "day", "month"):
        raise ValidationFailed.of("date_order", "must be day or month, as dates such as 3/4/1990 begin")
    if charset is not None:
        file_codec_of(charset)  # before the body is read
    return ReadOptions(order, charset)  # type: ignore[arg-type]
