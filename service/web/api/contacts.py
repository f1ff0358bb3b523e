"""Routes of the address book: contacts, import, export, merge, duplicates."""

from __future__ import annotations

import falcon

from service.contacts.reading.charsets import file_codec_of
from service.contacts.reading.files import ReadOptions
from service.contacts.writing.exports import KINDS, Kind
from service.errors import ValidationFailed
from service.usecases.contacts import ContactBook
from service.web.api.limits import DUPLICATES_LIMIT, PAGE_LIMIT
from service.web.http import paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import put_aside, read_object
from service.web.http.rendering import send_pieces
from service.web.http.request_slots import DownloadResource, RequestSlots, SlowResource

DATE_ORDERS = ("day", "month")
"""How dates such as 3/4/1990 may begin."""


class ContactList:
    """`/scheduler/contacts`."""

    access = BY_KEY

    def __init__(self, contacts: ContactBook) -> None:
        self._contacts = contacts

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return a page of contacts."""
        paging.send_page(req, resp, self._contacts.page(PAGE_LIMIT.read(req), paging.cursor(req)))

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Create a contact."""
        resp.media = self._contacts.create(read_object(req))
        resp.status = falcon.HTTP_201


class Contact:
    """`/scheduler/contacts/{contact_id}`."""

    access = BY_KEY

    def __init__(self, contacts: ContactBook) -> None:
        self._contacts = contacts

    def on_get(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Return the contact."""
        resp.media = self._contacts.get(contact_id)

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Change the fields that the body names."""
        resp.media = self._contacts.update(contact_id, read_object(req))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Delete the contact."""
        self._contacts.delete(contact_id)
        resp.status = falcon.HTTP_204


class Merge:
    """`/scheduler/contacts/{contact_id}/merge`."""

    access = BY_KEY

    def __init__(self, contacts: ContactBook) -> None:
        self._contacts = contacts

    def on_post(self, req: falcon.Request, resp: falcon.Response, contact_id: str) -> None:
        """Merge the contacts that the body names into this one."""
        resp.media = self._contacts.merge(contact_id, read_object(req))


class Duplicates(SlowResource[ContactBook]):
    """`/scheduler/contacts/duplicates`."""

    access = BY_KEY

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return a page of groups of contacts that may be one person, for somebody to decide."""
        limit = DUPLICATES_LIMIT.read(req)
        cursor = paging.cursor(req)
        with self._slots.held():
            page = self._source.duplicates(limit, cursor)
        paging.send_page(req, resp, page)

    on_head = on_get


class Import(SlowResource[ContactBook]):
    """`/scheduler/contacts/import`.

    Args:
        contacts: the address book.
        slots: where each import takes one.
        limit: the longest file, in bytes.
    """

    access = BY_KEY

    def __init__(self, contacts: ContactBook, slots: RequestSlots, limit: int) -> None:
        super().__init__(contacts, slots)
        self._limit = limit

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Import the address book in the body and report the outcome.

        The upload first goes to a temporary file. An upload that breaks off or is too long imports nothing, and a slow
        one holds no connection to Redis. `date_order` and `charset` say how to read the file.
        """
        if (req.content_type or "").lower().startswith("multipart/"):
            raise ValidationFailed.of("body", "must be the file itself, not a form (curl: --data-binary @file)")
        options = _read_options(req)
        with self._slots.held(), put_aside(req, self._limit) as upload:
            if not upload.read(1):
                raise ValidationFailed.of("", "The file is empty; send a vCard or CSV file with contacts.")
            upload.seek(0)
            resp.media = self._source.import_stream(upload, options)


class Export(DownloadResource[ContactBook]):
    """`/scheduler/contacts/export`."""

    access = BY_KEY

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return all contacts as a file: vCard 3.0, or CSV with `?format=csv`. Importing it again changes nothing."""
        self.send(req, resp)

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Prepare the file that `format` names."""
        send_file(resp, self._source, _kind(req))


def send_file(resp: falcon.Response, contacts: ContactBook, kind: Kind) -> None:
    """Answer with the whole address book as a file to keep."""
    send_pieces(resp, contacts.export(kind), kind.media_type)
    resp.downloadable_as = kind.file_name


def _kind(req: falcon.Request) -> Kind:
    asked_for = query.text(req, "format") or "vcard"
    if asked_for not in KINDS:
        raise ValidationFailed.of("format", "must be vcard or csv")
    return KINDS[asked_for]


def _read_options(req: falcon.Request) -> ReadOptions:
    order, charset = query.text(req, "date_order"), query.text(req, "charset")
    if order not in (None, *DATE_ORDERS):
        raise ValidationFailed.of("date_order", "must be day or month: which comes first in dates such as 3/4/1990")
    if charset is not None:
        file_codec_of(charset)  # before the body is read
    return ReadOptions(order, charset)  # type: ignore[arg-type]
