"""Address books whose servers answer oddly, refuse, lead elsewhere, or meet a run that dies."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.bots.contacts_sync.bot import ContactsSyncBot, ContactsSyncConfig
from service.bots.contacts_sync.dav import BookFailed, Dav
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.address_books import person
from tests.support.servers.dav import BOOK, Asked, DavServer, Said, dav_server, found, multistatus


@pytest.fixture
def server() -> Iterator[DavServer]:
    """A running server with an empty address book."""
    with dav_server() as served:
        yield served


@pytest.fixture
def contacts(redis_client: Redis) -> ContactBook:
    """An empty address book of ours."""
    return ContactBook(redis_client, Keys())


def sync(client: Redis, url: str, run_id: str = "1f0e9a52-6d0e-4c1e-9d7a-0b8c8f6f6a11") -> dict[str, Any]:
    """One run of the bot."""
    context = Run(client, configured(ContactsSyncConfig), bot="contacts_sync", run_id=run_id)
    context.contacts_url = url
    return ContactsSyncBot().run(context)


def fill(server: DavServer, count: int) -> None:
    """So many cards."""
    server.cards = {f"{BOOK}{n}.vcf": (f'"{n}"', person(f"p{n}")) for n in range(count)}


def names(contacts: ContactBook) -> set[str]:
    """Everybody's name."""
    return {contact.name for contact in contacts.all()}


def test_without_sync_collection_versions_are_compared(
    redis_client: Redis, server: DavServer, contacts: ContactBook
) -> None:
    """Cards that have not changed are not fetched."""
    fill(server, 3)
    assert sync(redis_client, server.url())["created"] == 3
    server.cards[f"{BOOK}1.vcf"] = ('"new"', person("p1", name="Changed"))
    del server.cards[f"{BOOK}2.vcf"]
    result = sync(redis_client, server.url())
    assert (result["updated"], result["unchanged"], result["removed"]) == (1, 1, 1)
    assert names(contacts) == {"p0", "Changed"}
    assert [asked.hrefs for asked in server.asked_for("addressbook-multiget")][1:] == [[f"{BOOK}1.vcf"]]


def test_a_server_that_announces_sync_and_refuses_it_is_read_without(
    redis_client: Redis, server: DavServer, contacts: ContactBook
) -> None:
    """As some do for shared address books."""
    server.syncs = True
    server.odd = lambda asked: Said(403) if asked.kind == "sync-collection" else None
    fill(server, 2)
    assert sync(redis_client, server.url())["created"] == 2


def test_changes_that_come_in_parts_are_all_read(redis_client: Redis, server: DavServer, contacts: ContactBook) -> None:
    """A server may cut its answer off (507 for the address book itself) and go on from the token that it gives."""
    server.syncs = True
    fill(server, 5)

    def in_parts(asked: Asked) -> Said | None:
        if asked.kind != "sync-collection":
            return None
        start = int(re.search(r"<sync-token>(?:at)?(\d*)<", asked.body)[1] or 0)  # type: ignore[index]
        part = list(server.cards.items())[start : start + 2]
        cut = f"<response><href>{BOOK}</href><status>HTTP/1.1 507 Insufficient Storage</status></response>"
        responses = [found(path, f"<getetag>{etag}</getetag>") for path, (etag, _) in part]
        more = start + 2 < len(server.cards)
        return multistatus(*responses, *([cut] if more else []), token=f"at{min(start + 2, len(server.cards))}")

    server.odd = in_parts
    assert sync(redis_client, server.url())["created"] == 5
    server.cards |= {f"{BOOK}x{n}.vcf": (f'"x{n}"', person(f"x{n}")) for n in range(5)}
    result = sync(redis_client, server.url())
    assert (result["created"], result["unchanged"]) == (5, 5)
    assert len(names(contacts)) == 10


def refused(path: str, status: str) -> str:
    """A resource of which nothing is told but a status."""
    return f"<response><href>{path}</href><status>HTTP/1.1 {status}</status></response>"


@pytest.mark.parametrize("token", [None, "t0", "t1"])
def test_a_list_that_is_cut_off_and_not_gone_on_with_removes_nobody(
    redis_client: Redis, server: DavServer, contacts: ContactBook, token: str | None
) -> None:
    """Whether or not the server gives a token to go on from."""
    fill(server, 3)
    sync(redis_client, server.url())
    server.syncs = token is not None
    cut = multistatus(found(f"{BOOK}0.vcf", '<getetag>"0"</getetag>'), refused(BOOK, "507 No"), token=token or None)
    server.odd = lambda asked: cut if "<getetag/>" in asked.body and not asked.hrefs else None
    with pytest.raises(BookFailed, match="cut off its list of cards"):
        sync(redis_client, server.url())
    assert len(names(contacts)) == 3


def test_a_card_of_which_the_list_tells_nothing_is_there_all_the_same(
    redis_client: Redis, server: DavServer, contacts: ContactBook
) -> None:
    """It keeps its contact, and is asked for again until it can be had."""
    fill(server, 3)
    sync(redis_client, server.url())
    listed = [found(f"{BOOK}{n}.vcf", f'<getetag>"{n}"</getetag>') for n in (0, 1)]
    part = multistatus(*listed, refused(f"{BOOK}2.vcf", "500 Oops"))

    def odd(asked: Asked) -> Said | None:
        if asked.kind == "addressbook-multiget":
            return multistatus(*(refused(href, "500 Oops") for href in asked.hrefs))
        return part if asked.headers.get("Depth") == "1" else None

    server.odd = odd
    result = sync(redis_client, server.url())
    assert (result["unchanged"], result["skipped_total"], len(names(contacts))) == (2, 1, 3)
    server.odd = lambda asked: None
    result = sync(redis_client, server.url())
    assert (result["unchanged"], result["skipped_total"], len(names(contacts))) == (3, 0, 3)


@pytest.mark.parametrize("status", [500, 507, 207])
def test_a_card_that_cannot_be_had_costs_itself_alone(
    redis_client: Redis, server: DavServer, contacts: ContactBook, status: int
) -> None:
    """Also if the server then answers nothing, or no XML, for all that were asked with it. It is asked for again."""
    fill(server, 20)
    bad = f"{BOOK}7.vcf"
    whole = multistatus(server.card(f"{BOOK}1.vcf")).body
    broken = Said(status, whole.replace("</multistatus>", "\x01</multistatus>"))
    server.odd = lambda asked: broken if asked.kind == "addressbook-multiget" and bad in asked.hrefs else None
    result = sync(redis_client, server.url())
    assert (result["created"], result["skipped_total"]) == (19, 1)
    assert result["skipped"][0]["card"] == "7.vcf" and "could not be read" in result["skipped"][0]["reason"]
    assert len(server.asked_for("addressbook-multiget")) < 20, "halves, not each card on its own"
    server.odd = lambda asked: None
    result = sync(redis_client, server.url())
    assert (result["created"], result["unchanged"], result["skipped"]) == (1, 19, [])


def test_a_list_that_breaks_off_removes_nobody(redis_client: Redis, server: DavServer, contacts: ContactBook) -> None:
    """The run fails and says so."""
    fill(server, 3)
    sync(redis_client, server.url())
    part = multistatus(found(f"{BOOK}0.vcf", '<getetag>"0"</getetag>')).body.removesuffix("</multistatus>")
    server.odd = lambda asked: (
        Said(207, part, {"Content-Length": "9999"}) if asked.headers.get("Depth") == "1" and not asked.hrefs else None
    )
    with pytest.raises(BookFailed, match="broke off"):
        sync(redis_client, server.url())
    assert len(names(contacts)) == 3


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "refuses the user or the password in CONTACTS_URL"),
        (403, "may not read this address book"),
        (404, "no address book at CONTACTS_URL"),
        (429, "try again later"),
        (503, "try again later"),
        (507, "no room"),
        (500, "answered unexpectedly (500)"),
        (200, "answered unexpectedly (200)"),
    ],
)
def test_a_refusal_is_told_and_removes_nobody(
    redis_client: Redis, server: DavServer, contacts: ContactBook, status: int, told: str
) -> None:
    """With the status, and the setting that can mend it."""
    fill(server, 1)
    sync(redis_client, server.url())
    server.odd = lambda asked: Said(status, "<html>no</html>")
    with pytest.raises(BookFailed) as refusal:
        sync(redis_client, server.url())
    assert told in str(refusal.value) and "geheim" not in str(refusal.value)
    assert names(contacts) == {"p0"}


def test_the_password_goes_to_no_other_server(redis_client: Redis, server: DavServer) -> None:
    """A redirect elsewhere ends the run; on the same server it is followed."""
    fill(server, 1)
    with dav_server() as other:
        elsewhere = other.address.replace("127.0.0.1", "localhost")
        for target in (elsewhere, other.address, f"{server.address.replace('http', 'https')}{BOOK}"):
            server.odd = lambda asked, target=target: Said(301, "", {"Location": target})  # type: ignore[misc]
            with pytest.raises(BookFailed, match="and the password is not sent there") as refusal:
                sync(redis_client, server.url())
            assert "geheim" not in str(refusal.value)
        assert other.asked == []
    server.odd = lambda asked: None if asked.path == BOOK else Said(308, "", {"Location": BOOK})
    assert sync(redis_client, server.url("/moved/"))["created"] == 1
    server.odd = lambda asked: Said(302, "", {"Location": asked.path})
    with pytest.raises(BookFailed, match="redirects more than 5 times"):
        sync(redis_client, server.url())


def test_links_to_elsewhere_are_not_followed(redis_client: Redis, server: DavServer, contacts: ContactBook) -> None:
    """Neither to the user's address books nor to a card, whatever the server says."""
    with dav_server() as other:
        home = f"<C:addressbook-home-set><href>{other.address.replace('127.0.0.1', 'localhost')}/</href>"
        server.odd = lambda asked: multistatus(found("/", f"{home}</C:addressbook-home-set>"))
        with pytest.raises(BookFailed, match="localhost, and the password is not sent there"):
            sync(redis_client, server.url("/"))
        server.odd = lambda asked: None
        server.cards = {"http://localhost/book/evil.vcf": ('"1"', person("evil")), f"{BOOK}a.vcf": ('"1"', person("a"))}
        assert sync(redis_client, server.url())["created"] == 1
        assert other.asked == []


@pytest.mark.parametrize(
    "writes",
    [
        lambda path: path.replace("%40", "@"),
        lambda path: f"https://127.0.0.1:9{path}",
        lambda path: path.replace("%20", " ").replace("%C3%A9", "é"),
    ],
)
def test_paths_are_recognised_however_they_are_written(
    redis_client: Redis, server: DavServer, contacts: ContactBook, writes: Any
) -> None:
    """Percent-encoded or not, and with the address that a server behind a proxy takes for its own."""
    server.cards = {f"{BOOK}a%20caf%C3%A9@b.vcf": ('"1"', person("a"))}
    server.writes = writes
    assert sync(redis_client, server.url())["created"] == 1
    assert sync(redis_client, server.url())["unchanged"] == 1


def test_digest_sign_in_is_understood(redis_client: Redis, server: DavServer) -> None:
    """Where the server asks for it; the password itself is sent once, in the first try."""
    fill(server, 1)

    def asks(asked: Asked) -> Said | None:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', asked.headers.get("Authorization", "").removeprefix("Digest ")))
        secret = hashlib.md5(b"ada:there:geheim").hexdigest()
        path = hashlib.md5(f"{asked.method}:{asked.path}".encode()).hexdigest()
        parts = [secret, "n1", given.get("nc", ""), given.get("cnonce", ""), "auth", path]
        if given.get("response") == hashlib.md5(":".join(parts).encode()).hexdigest():
            return None
        challenge = 'Digest realm="there", nonce="n1", qop="auth", algorithm=MD5'
        return Said(401, "", {"WWW-Authenticate": challenge})

    server.odd = asks
    assert sync(redis_client, server.url())["created"] == 1
    sent = [asked.headers.get("Authorization", "").split(" ")[0] for asked in server.asked]
    assert sent.count("Basic") == 1 and sent.count("Digest") >= 3


@pytest.mark.parametrize("link", ["https://xn--/", "https://[::1", "https://elsewhere.example/"])
def test_a_link_that_leads_nowhere_or_elsewhere_is_not_followed(link: str) -> None:
    """It is said, whatever the server wrote."""
    with Dav("http://127.0.0.1/", "a test") as dav, pytest.raises(BookFailed):
        dav.at(link)


@pytest.mark.parametrize("kind", ['qop="auth", algorithm=TIGER', 'qop="auth-int"', 'qop="more"'])
def test_a_digest_sign_in_of_a_kind_that_nobody_knows_is_said(
    redis_client: Redis, server: DavServer, kind: str
) -> None:
    """Not that the server cannot be reached: its operator can offer another kind."""
    server.odd = lambda asked: Said(401, "", {"WWW-Authenticate": f'Digest realm="there", nonce="n1", {kind}'})
    with pytest.raises(BookFailed, match="a kind of digest sign-in that is not supported"):
        sync(redis_client, server.url())


def test_entities_in_an_answer_are_not_expanded(redis_client: Redis, server: DavServer, contacts: ContactBook) -> None:
    """Nor is anything read from a file or from elsewhere."""
    fill(server, 1)
    entities = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY a "boom">]>'

    def hostile(asked: Asked) -> Said | None:
        if asked.kind != "addressbook-multiget":
            return None
        card = person("p0", name="A&f;&a;")
        body = multistatus(found(f"{BOOK}0.vcf", f"<C:address-data>{card}</C:address-data>")).body
        return Said(207, body.replace("?>", f"?>{entities}", 1))

    server.odd = hostile
    sync(redis_client, server.url())
    assert all("root:" not in name and "boom" not in name for name in names(contacts))


def test_nothing_secret_is_logged(redis_client: Redis, server: DavServer, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the password nor the address, in a run that works and one that cannot reach its server."""
    fill(server, 1)
    server.odd = lambda asked: None if asked.path == BOOK else Said(301, "", {"Location": BOOK})
    with caplog.at_level(logging.DEBUG):
        result = sync(redis_client, server.url("/ada-private/"))
        with pytest.raises(BookFailed, match="cannot be reached") as refusal:
            sync(redis_client, "http://ada:geheim@127.0.0.1:9/ada-private/")
    told = f"{caplog.text} {result} {refusal.value}"
    assert not [secret for secret in ("geheim", "ada-private", "Z2VoZWlt", "YWRhOmdlaGVpbQ") if secret in told]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_is_killed_is_gone_over_again(
    redis_client: Redis, server: DavServer, contacts: ContactBook, at: int
) -> None:
    """Killed at any request for cards: the next run takes the rest, and all of them can be removed again."""
    fill(server, 120)
    child: list[int] = []

    def kill(asked: Asked) -> Said | None:
        if asked.kind == "addressbook-multiget" and len(server.asked_for("addressbook-multiget")) == at:
            os.kill(child[0], signal.SIGKILL)
        return None

    server.odd = kill
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(ready, 1)
        sync(redis_client, server.url(), run_id="killed")
        os._exit(0)
    child.append(pid)
    redis_client.hset(Keys().run("killed"), "status", "running")
    os.write(go, b"g")
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    os.close(ready)
    os.close(go)
    server.odd = lambda asked: None
    redis_client.hset(Keys().run("killed"), "status", "failed")
    result = sync(redis_client, server.url(), run_id="retry")
    assert (result["created"], result["unchanged"]) == (120 - 50 * (at - 1), 50 * (at - 1))
    assert names(contacts) == {f"p{n}" for n in range(120)}
    server.cards.clear()
    assert sync(redis_client, server.url(), run_id="last")["removed"] == 120
    assert names(contacts) == set()


def test_one_run_at_a_time_is_at_an_address_book(redis_client: Redis, server: DavServer, contacts: ContactBook) -> None:
    """Another one waits, and stops waiting when it is asked to."""
    fill(server, 1)
    results: list[dict[str, Any]] = []

    def meanwhile(asked: Asked) -> Said | None:
        if asked.kind == "addressbook-multiget" and not results:
            waiting = Run(redis_client, configured(ContactsSyncConfig), bot="contacts_sync", run_id="second")
            waiting.contacts_url, looks = server.url(), iter(range(100))
            type(waiting).cancelled = property(lambda self: next(looks) > 4)  # type: ignore[method-assign,assignment]
            results.append({})
            results[0] = ContactsSyncBot().run(waiting)
        return None

    cancelled = Run.cancelled
    server.odd = meanwhile
    redis_client.hset(Keys().run("first"), "status", "running")
    try:
        context = Run(redis_client, configured(ContactsSyncConfig), bot="contacts_sync", run_id="first")
        context.contacts_url = server.url()
        ContactsSyncBot().run(context)
    finally:
        Run.cancelled = cancelled  # type: ignore[method-assign]
    assert results[0]["created"] == 0
