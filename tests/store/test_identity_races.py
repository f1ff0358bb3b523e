"""Who is changed by others at any moment of an import stays one person, and is not forgotten."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from redis import Redis

from service.contacts.intake.imports import import_people
from service.contacts.intake.intake import Intake
from service.contacts.intake.report import ImportReport
from service.contacts.people import ParsedCard
from service.domain.people.traits import identities_of
from service.errors import Conflict, NotFound, ValidationFailed
from service.store.contacts import ContactStore
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.servers.valkey import ValkeyServer

KIM, AMELIA = "Kim Rivers", "Amelia Lake"
BARE = ParsedCard(1, KIM, birthday="1990-04-12")
BARE_WITH_UID = ParsedCard(1, KIM, "k", birthday="--04-12")
NAME = ParsedCard(1, KIM)
WITH_ADDRESS = ParsedCard(1, KIM, birthday="1990-04-12", emails=("k@example.org", "k2@example.org"))
WITH_UID = ParsedCard(1, KIM, "k", birthday="--04-12", emails=("k@example.org",))
OTHER = ParsedCard(1, AMELIA, birthday="1960-01-02", emails=("a@example.org",))


class World:
    """An address book, what others do to it, and who was ever in it."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.book = ContactBook(client, Keys())
        self.store = ContactStore(client, Keys())

    def bring(self, *cards: ParsedCard, store: ContactStore | None = None) -> None:
        """Imports a file."""
        import_people(list(cards), Intake(store or self.store), ImportReport())

    def holders(self, card: ParsedCard) -> list[str]:
        """To whom anything of a card leads."""
        held = self.store.holders(identities_of(card.traits))
        return list(dict.fromkeys(one for ids in held for one in ids))

    def living(self, card: ParsedCard) -> list[str]:
        """Those of them who are not deleted."""
        return [one for one in self.holders(card) if self.store.get(one)]

    def delete(self, card: ParsedCard) -> None:
        """Deletes them."""
        for one in self.living(card):
            self.store.delete(one)

    def merge(self, into: ParsedCard, other: ParsedCard) -> None:
        """Makes them one."""
        targets, others = self.living(into), self.living(other)
        if targets and (left := [one for one in others if one not in targets]):
            self.book.merge(targets[0], {"from": left})

    def check(self, *persons: Sequence[ParsedCard], ever: set[str]) -> None:
        """Each person is one contact, identities and contacts agree, and nobody who was `ever` there is lost."""
        living, gone = self._named("contact"), self._named("gone")
        assert not living & gone
        rows = [row for row in self.store.rows(sorted(living | gone)) if row is not None]
        identities = sorted(self._named("identity"))
        leading = {
            (one, led) for one, held in zip(identities, self.store.holders(identities), strict=True) for led in held
        }
        assert leading == {(one, row.id) for row in rows for one in row.identities}
        assert ever <= {one for row in rows for one in (row.id, *row.former_ids)}
        for cards in persons:
            assert len({one for card in cards for one in self.holders(card)}) == 1

    def _named(self, kind: str) -> set[str]:
        keys: Any = self.client.keys(f"*:{kind}:*")
        return {key.decode().rsplit(":", 1)[1] for key in keys}


class Interrupted(ContactStore):
    """Somebody does something else before one of the questions or writes."""

    def __init__(self, client: Redis, at: int, act: Callable[[], None]) -> None:
        super().__init__(client, Keys())
        self.left = at
        self._act = act

    def _turn(self) -> None:
        self.left -= 1
        if self.left == -1:
            self._act()

    def _ask(self, commands: Any) -> list[Any]:
        self._turn()
        return super()._ask(commands)

    def save_many(self, writes: Any, mode: Any = "merge") -> Any:
        self._turn()
        return super().save_many(writes, mode)

    def absorb(self, *args: Any, **kwargs: Any) -> bool:
        self._turn()
        return super().absorb(*args, **kwargs)

    def get_many(self, ids: Any) -> Any:
        self._turn()
        return super().get_many(ids)


ACTS: dict[str, Callable[[World, ParsedCard, ParsedCard], None]] = {
    "import": lambda world, card, _: world.bring(card),
    "import otherwise": lambda world, _, otherwise: world.bring(otherwise),
    "delete": lambda world, card, _: world.delete(card),
    "merge": lambda world, card, _: world.merge(OTHER, card),
    "merge the other way": lambda world, card, _: world.merge(card, OTHER),
}
BEFORE: dict[str, tuple[str, ...]] = {
    "unknown": (),
    "there": ("import",),
    "merged": ("import", "merge"),
    "merged the other way": ("import", "merge the other way"),
    "deleted": ("import", "delete"),
    "merged and deleted": ("import", "merge the other way", "delete"),
}
MEANWHILE: list[tuple[str, ...]] = [
    *((act,) for act in ACTS),
    ("import", "merge"),
    ("import", "merge the other way", "delete"),
    ("import otherwise", "merge"),
    ("import otherwise", "delete"),
    ("delete", "import otherwise"),
]


@pytest.mark.slow(reason="an import is interrupted at each of its commands")
@pytest.mark.parametrize(
    "cards",
    [(WITH_ADDRESS, WITH_UID), (WITH_UID, WITH_ADDRESS), (BARE, BARE_WITH_UID), (BARE_WITH_UID, BARE), (NAME, NAME)],
    ids=["address", "UID", "birthday", "UID and birthday", "name"],
)
@pytest.mark.parametrize("before", BEFORE)
def test_whatever_others_do_at_any_moment_of_an_import_leaves_one_person(
    redis_client: Redis, before: str, cards: tuple[ParsedCard, ParsedCard]
) -> None:
    """They import, merge and delete the person before each question and each write."""
    for acts in MEANWHILE:
        at = 0
        while _imported_while(redis_client, cards, before, acts, at):
            at += 1
        assert at > 2


def _imported_while(
    client: Redis, cards: tuple[ParsedCard, ParsedCard], before: str, acts: Sequence[str], at: int
) -> bool:
    """False if the import has less than that many questions and writes."""
    client.flushall()
    world = World(client)
    ever: set[str] = set()

    def do(acts: Sequence[str]) -> None:
        for act in acts:
            ACTS[act](world, *cards)
            ever.update(world.holders(cards[0]))

    world.bring(OTHER)
    do(BEFORE[before])
    store = Interrupted(client, at, lambda: do(acts))
    world.bring(cards[0], store=store)
    world.check(cards, ever=ever)
    assert world.living(cards[0])
    return store.left < 0


# Many at once

MANY = range(8)


def of_person(number: int) -> list[ParsedCard]:
    """Cards of one person, who is known by each."""
    name, uid, first, second = f"Person {number}", f"uid-{number}", f"a{number}@example.org", f"b{number}@example.org"
    return [
        ParsedCard(1, name, emails=(first,)),
        ParsedCard(1, name, emails=(first, second)),
        ParsedCard(1, name, emails=(second, first), birthday="1990-04-12"),
        ParsedCard(1, name, uid, emails=(first,), birthday="--04-12"),
        ParsedCard(1, name, uid, emails=(first, second)),
    ]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("merging", [True, False])
def test_many_who_change_the_same_people_at_once_leave_each_of_them_one(
    redis_client: Redis, valkey_server: ValkeyServer, merging: bool, seed: int
) -> None:
    """They import, make, change and delete; and merge those without UIDs, since with one, a part would stay apart."""
    persons = [of_person(number)[: 3 if merging else None] for number in MANY]

    def change(world: World, chance: random.Random) -> None:
        one, other = (cards[0] for cards in chance.sample(persons, 2))
        living = world.living(one)
        match chance.randrange(6):
            case 0:
                world.delete(one)
            case 1 if merging:
                world.merge(one, other)
            case 2:
                world.book.create({"name": one.name, "emails": list(one.emails)})
            case 3 if living:
                world.book.update(living[0], {"phones": [f"+1 555 01{chance.randrange(100):02}"]})
            case _:
                world.bring(
                    *(chance.choice(cards) for cards in chance.sample(persons, chance.randrange(1, len(persons))))
                )

    def busy(number: int) -> set[str]:
        chance = random.Random(f"{seed} {number}")
        ever: set[str] = set()
        with valkey_server.client() as client:
            world = World(client)
            for _ in range(40):
                with suppress(Conflict, NotFound, ValidationFailed):
                    change(world, chance)
                ever.update(one.id for one in world.book.all())
        return ever

    with ThreadPoolExecutor(4) as pool:
        ever = set().union(*pool.map(busy, range(4)))
    World(redis_client).check(*persons, ever=ever)
