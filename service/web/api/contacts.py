"""Routes of the address book: contacts, import, export, merge, duplicates."""

from __future__ import annotations

from typing import IO, Any

import falcon
from falcon.asgi import Request, Response

from service.contacts.reading.charsets import file_codec_of
from service.contacts.reading.files import ReadOptions
from service.contacts.writing.exports import KINDS, Kind
from service.domain.access.scopes import Scope
from service.errors import ValidationFailed
from service.usecases.contacts import ContactBook
from service.usecases.erasure import Erasure
from service.web.api.limits import DUPLICATES_LIMIT, PAGE_LIMIT
from service.web.http import paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import put_aside, read_object
from service.web.http.pools import Pool, PooledResource
from service.web.http.rendering import send_download

DATE_ORDERS = ("day", "month")
"""How dates such as 3/4/1990 may begin."""


class ContactList(PooledResource[ContactBook]):
    """`/scheduler/contacts`."""

    access = BY_KEY.needing(get=Scope.CONTACTS, post=Scope.CONTACTS)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of contacts."""
        page = await self._pool.run(self._source.page, PAGE_LIMIT.read(req), paging.cursor(req))
        paging.send_page(req, resp, page)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a contact."""
        body = await read_object(req)
        resp.media = await self._pool.run(self._source.create, body)
        resp.status = falcon.HTTP_201


class Contact(PooledResource[ContactBook]):
    """`/scheduler/contacts/{contact_id}`.

    Args:
        contacts: the address book.
        pool: the threads for short work.
        erasure: erases persons.
        long: the threads for erasures.
    """

    access = BY_KEY.needing(get=Scope.CONTACTS, put=Scope.CONTACTS, delete=Scope.CONTACTS)

    def __init__(self, contacts: ContactBook, pool: Pool, erasure: Erasure, long: Pool) -> None:
        super().__init__(contacts, pool)
        self._erasure = erasure
        self._long = long

    async def on_get(self, req: Request, resp: Response, contact_id: str) -> None:
        """Return the contact."""
        resp.media = await self._pool.run(self._source.get, contact_id)

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, contact_id: str) -> None:
        """Change the fields that the body names."""
        body = await read_object(req)
        resp.media = await self._pool.run(self._source.update, contact_id, body)

    async def on_delete(self, req: Request, resp: Response, contact_id: str) -> None:
        """Delete the contact; with `?erase=true` also everything else that names the person."""
        if query.boolean(req, "erase"):
            resp.media = await self._long.run(self._erasure.erase, contact_id)
            return
        await self._pool.run(self._source.delete, contact_id)
        resp.status = falcon.HTTP_204


class Merge(PooledResource[ContactBook]):
    """`/scheduler/contacts/{contact_id}/merge`."""

    access = BY_KEY.needing(post=Scope.CONTACTS)

    async def on_post(self, req: Request, resp: Response, contact_id: str) -> None:
        """Merge the contacts that the body names into this one."""
        body = await read_object(req)
        resp.media = await self._pool.run(self._source.merge, contact_id, body)


class Duplicates(PooledResource[ContactBook]):
    """`/scheduler/contacts/duplicates`."""

    access = BY_KEY.needing(get=Scope.CONTACTS)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of groups of contacts that may be one person, for somebody to decide."""
        limit = DUPLICATES_LIMIT.read(req)
        cursor = paging.cursor(req)
        page = await self._pool.run(self._source.duplicates, limit, cursor)
        paging.send_page(req, resp, page)

    on_head = on_get


class Import(PooledResource[ContactBook]):
    """`/scheduler/contacts/import`.

    Args:
        contacts: the address book.
        pool: the threads that import.
        limit: the longest file, in bytes.
    """

    access = BY_KEY.needing(post=Scope.CONTACTS)

    def __init__(self, contacts: ContactBook, pool: Pool, limit: int) -> None:
        super().__init__(contacts, pool)
        self._limit = limit

    async def on_post(self, req: Request, resp: Response) -> None:
        """Import the address book in the body and report the outcome.

        The upload first goes to a temporary file. An upload that breaks off or is too long imports nothing, and a slow
        one holds no connection to Redis. `date_order` and `charset` say how to read the file.
        """
        if (req.content_type or "").lower().startswith("multipart/"):
            raise ValidationFailed.of("body", "must be the file itself, not a form (curl: --data-binary @file)")
        options = _read_options(req)
        with self._pool.admitted():
            async with put_aside(req, self._limit, self._pool) as upload:
                resp.media = await self._pool.go_on(self._import, upload, options)

    def _import(self, upload: IO[bytes], options: ReadOptions) -> dict[str, Any]:
        if not upload.read(1):
            raise ValidationFailed.of("", "The file is empty; send a vCard or CSV file with contacts.")
        upload.seek(0)
        return self._source.import_stream(upload, options)


class Export(PooledResource[ContactBook]):
    """`/scheduler/contacts/export`."""

    access = BY_KEY.needing(get=Scope.CONTACTS)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return all contacts as a file: vCard 3.0, or CSV with `?format=csv`. Importing it again changes nothing."""
        await send_file(req, resp, self._source, _kind(req), self._pool)

    on_head = on_get


async def send_file(req: Request, resp: Response, contacts: ContactBook, kind: Kind, pool: Pool) -> None:
    """Answer with the whole address book as a file to keep.

    Args:
        req: the request.
        resp: its answer.
        contacts: the address book.
        kind: the file's format.
        pool: the threads that make it.

    Raises:
        Busy: the pool's queue is full.
    """
    await send_download(req, resp, contacts.export(kind), kind.media_type, pool)
    resp.downloadable_as = kind.file_name


def _kind(req: Request) -> Kind:
    asked_for = query.text(req, "format") or "vcard"
    if asked_for not in KINDS:
        raise ValidationFailed.of("format", "must be vcard or csv")
    return KINDS[asked_for]


def _read_options(req: Request) -> ReadOptions:
    order, charset = query.text(req, "date_order"), query.text(req, "charset")
    if order not in (None, *DATE_ORDERS):
        raise ValidationFailed.of("date_order", "must be day or month: which comes first in dates such as 3/4/1990")
    if charset is not None:
        file_codec_of(charset)  # before the body is read
    return ReadOptions(order, charset)  # type: ignore[arg-type]
