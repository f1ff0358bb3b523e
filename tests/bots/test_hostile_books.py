"""Address books of hostile servers: bounded in memory, read in the web's encodings, and one card costs itself."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.bots.contacts_sync import dav
from service.bots.contacts_sync.bot import ContactsSyncBot, ContactsSyncConfig
from service.bots.contacts_sync.dav import BookFailed
from service.bots.contacts_sync.dav_answers import MAX_ELEMENTS, MAX_TEXT, Multistatus, NotDav, Oversized
from service.contacts.reading import vcard
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.address_books import person
from tests.support.servers.dav import BOOK, Asked, DavServer, Said, dav_server, multistatus
from tests.support.servers.hostile import MOST, Endless, bomb, saying, taking_at_most

HEAD = b"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml\r\n"
START = b'<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[DavServer]:
    """A running server with two cards."""
    with dav_server() as served:
        served.cards = {f"{BOOK}{n}.vcf": (f'"{n}"', person(f"p{n}")) for n in range(2)}
        yield served


def sync(client: Redis, url: str, **options: Any) -> dict[str, Any]:
    """One run of the bot."""
    context = Run(client, configured(ContactsSyncConfig), bot="contacts_sync", contacts_url=url, **options)
    return ContactsSyncBot().run(context)


ENDLESS = {
    "the first response": (HEAD + b"\r\n" + START + b"<response>", b"<a/>"),
    "text": (HEAD + b"\r\n" + START + b"<response><href>", b"text"),
    "text in parts": (HEAD + b"\r\n" + START + b"<response><href>", b"&lt;<![CDATA[x]]>"),
    "depth": (HEAD + b"\r\n" + START + b"<response>", b"<a>"),
    "attributes": (HEAD + b"\r\n" + START + b"<response a='", b"x>"),
    "a name": (HEAD + b"\r\n" + START + b"<response><a", b"a"),
    "a comment": (HEAD + b"\r\n" + START + b"<!--", b"x "),
    "an instruction": (HEAD + b"\r\n" + START + b"<?x", b"x "),
    "a document type": (HEAD + b"\r\n<!DOCTYPE a [", b"<!ENTITY a 'b'>"),
    "headers": (HEAD, b"X-More: 1\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "chunk extensions": (CHUNKED + b"1;", b"x"),
    "a refusal's headers": (b"HTTP/1.1 404 Not Found\r\n", b"X-More: 1\r\n"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_answer_is_not_taken_in(redis_client: Redis, server: DavServer, kind: str) -> None:
    """Whichever part of it has no end: the run fails by a sentence, long before the memory is full."""
    endless = Endless(*ENDLESS[kind])
    server.odd = lambda asked: endless
    with taking_at_most(64 * 2**20), pytest.raises(BookFailed):
        sync(redis_client, server.url())
    assert 0 < endless.said < MOST / 2


def test_what_is_endless_between_two_resources_is_bounded(
    redis_client: Redis, server: DavServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is let go of is counted too: the whole answer has a limit."""
    monkeypatch.setattr(dav, "MAX_ANSWER", 2**20)
    response = b"<response><href>/elsewhere</href></response>"
    for piece in (b" ", b"<!-- x -->", b"<a/>", response):
        endless = Endless(HEAD + b"\r\n" + START, piece)
        server.odd = lambda asked: endless
        with (
            taking_at_most(32 * 2**20),
            pytest.raises(BookFailed, match="was not read completely, because the whole is too large"),
        ):
            sync(redis_client, server.url())
        assert endless.said < 16 * 2**20


def parts(names: range, form: str) -> bytes:
    """So many small elements, each with its own number."""
    return "".join(form.replace("%", str(n)) for n in names).encode()


@pytest.mark.parametrize("form", ["<a%/>", "<p%:a xmlns:p%='x'/>", "<a xmlns='x%'/>", "<a b%='1'/>"])
def test_names_that_the_parser_keeps_are_counted(form: str) -> None:
    """Elements, prefixes, namespaces and attributes, in whichever resource they stand."""
    read = Multistatus()
    with taking_at_most(8 * 2**20), pytest.raises(Oversized, match="list of names"):
        list(read.feed(START))
        for start in range(0, 10**6, 100):
            list(read.feed(b"<response>" + parts(range(start, start + 100), form) + b"</response>"))


def test_a_tag_of_a_million_attributes_is_refused_before_it_is_whole() -> None:
    """Also one that looks as if it were at its end."""
    for form in ("a%='' ", "a%='>' "):
        read = Multistatus()
        with pytest.raises(Oversized, match="a tag"):
            list(read.feed(START + b"<response " + parts(range(10**5), form)))


def test_what_is_large_and_needed_is_read() -> None:
    """A card with its photo, and a resource of many properties."""
    card = "x" * (MAX_TEXT - 1000)
    props = "<a/>" * (MAX_ELEMENTS - 20)
    text = (
        f"<response><href>/1</href><propstat><prop>{props}<C:address-data>{card}</C:address-data></prop>"
        "<status>HTTP/1.1 200 OK</status></propstat></response>"
    )
    read = Multistatus()
    found = [*read.feed(START), *read.feed(text.encode() * 2), *read.feed(b"</multistatus>")]
    read.close()
    assert [resource.card == card for resource in found] == [True, True]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE multistatus><multistatus xmlns="DAV:"/>',
        '<!DOCTYPE m [<!ENTITY a "b">]><multistatus xmlns="DAV:"><response><href>&a;</href></response></multistatus>',
        '<!DOCTYPE m SYSTEM "http://127.0.0.1:9/x.dtd"><multistatus xmlns="DAV:"/>',
        '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/hostname">]><multistatus xmlns="DAV:"/>',
        '<multistatus xmlns="DAV:"><response><href>&a;</href></response></multistatus>',
        '<multistatus xmlns="DAV:"/><multistatus xmlns="DAV:"/>',
        "<multistatus/>",
        "<html/>",
        "",
    ],
)
def test_document_types_and_other_kinds_of_xml_are_refused(text: str) -> None:
    """So that there are no entities to be expanded or fetched."""
    read = Multistatus()
    with pytest.raises(NotDav):
        list(read.feed(text.encode()))
        read.close()


@pytest.mark.parametrize(
    "encoding", ["punycode", "utf-7", "idna", "unicode_escape", "hex", "cp037", "utf-32", "zlib", "rot13", "undefined"]
)
def test_only_the_webs_encodings_are_read(encoding: str) -> None:
    """The declaration's name is not handed to Python."""
    read = Multistatus()
    with pytest.raises(NotDav):
        list(read.feed(f'<?xml version="1.0" encoding="{encoding}"?><multistatus xmlns="DAV:"/>'.encode()))
        read.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "iso-8859-15"])
def test_the_webs_encodings_are_read(encoding: str) -> None:
    """As their declaration says."""
    text = f'<?xml version="1.0" encoding="{encoding}"?><multistatus xmlns="DAV:"><response><href>ä</href></response>'
    read = Multistatus()
    found = list(read.feed((text + "</multistatus>").encode(encoding)))
    read.close()
    assert [resource.href for resource in found] == ["ä"]


def test_an_answer_in_gzip_is_read(redis_client: Redis, server: DavServer) -> None:
    """As it was asked for."""

    def packed(asked: Asked) -> Any:
        server.odd = lambda asked: None
        said = server.answer(asked)
        server.odd = packed
        assert isinstance(said, Said)
        return zipped(said.body.encode(), "gzip") if said.status == 207 else said

    server.odd = packed
    assert sync(redis_client, server.url())["created"] == 2
    assert {asked.headers["Accept-Encoding"] for asked in server.asked} == {"gzip"}


def zipped(body: bytes, encoding: str) -> Any:
    """A multistatus in gzip."""
    body = gzip.compress(body)
    lengths = f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return saying(HEAD + lengths + body)


@pytest.mark.parametrize("encoding", ["gzip, gzip, gzip", "br", "zstd", "deflate"])
def test_an_answer_that_is_encoded_otherwise_is_told(redis_client: Redis, server: DavServer, encoding: str) -> None:
    """By a sentence that names the reason."""
    body = bomb(3)
    lengths = f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    server.odd = lambda asked: saying(HEAD + lengths + body)
    with taking_at_most(16 * 2**20), pytest.raises(BookFailed, match="has a Content-Encoding that we did not ask for"):
        sync(redis_client, server.url())


def test_an_answer_that_grows_is_bounded(redis_client: Redis, server: DavServer) -> None:
    """256 MiB of zeros in gzip are no list of cards."""
    body = bomb(1)
    server.odd = lambda asked: saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with taking_at_most(16 * 2**20), pytest.raises(BookFailed):
        sync(redis_client, server.url())


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:74376/", "http://127.0.0.1:0/", "http://127.0.0.1:80:80/", "//127.0.0.1:-1/"]
)
def test_a_redirect_to_a_port_that_is_none_is_told(redis_client: Redis, server: DavServer, location: str) -> None:
    """And not followed modulo 65,536."""
    server.odd = lambda asked: Said(302, headers={"Location": location})
    with pytest.raises(BookFailed, match="has a port that is not a number from 1 to 65535"):
        sync(redis_client, server.url())


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 099 Odd\r\n\r\n", b"HTTP/1.1 999 Odd\r\n\r\n", b"HTTP/1.1 207 x\r\n: y\r\n\r\n"]
)
def test_an_odd_answer_is_a_sentence(redis_client: Redis, server: DavServer, raw: bytes) -> None:
    """No traceback of a library's."""
    server.odd = lambda asked: saying(raw)
    with pytest.raises(BookFailed):
        sync(redis_client, server.url())


def test_whatever_goes_wrong_with_a_card_costs_that_card(
    redis_client: Redis, server: DavServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what nobody has thought of."""
    read = vcard.read

    def failing(stream: Any) -> Any:
        text = stream.getvalue()
        if b"p0" in text:
            raise RecursionError("of a library's")
        return read(stream)

    monkeypatch.setattr(vcard, "read", failing)
    result = sync(redis_client, server.url())
    assert result["created"] == 1
    assert result["skipped"] == [{"card": "0.vcf", "reason": "the card cannot be read (RecursionError)"}]
    assert {contact.name for contact in ContactBook(redis_client, Keys()).all()} == {"p1"}


def test_an_address_book_at_a_metadata_address_is_refused(redis_client: Redis) -> None:
    """CONTACTS_URL may be inside the network, but not there."""
    with pytest.raises(BookFailed, match="metadata service, and NETWORK_ALLOW does not name it"):
        sync(redis_client, "http://ada:geheim@169.254.169.254/")


def test_an_endless_list_of_versions_is_cut_short(redis_client: Redis, server: DavServer) -> None:
    """A version of megabytes counts as unknown, a token of that size is refused."""
    server.syncs = True
    etag = "x" * 10_000
    server.cards = {f"{BOOK}1.vcf": (etag, person("p1"))}
    assert sync(redis_client, server.url())["created"] == 1
    server.odd = lambda asked: multistatus(token="t" * 10_000) if asked.kind == "sync-collection" else None
    with pytest.raises(BookFailed, match="its token is too large"):
        sync(redis_client, server.url())
