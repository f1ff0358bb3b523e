"""Import of a whole file, whatever the order of its entries.

| stage | cards | those that may wait for a later stage |
|---|---|---|
| while reading | with a UID | cards that would adopt a contact without one: of several, the least UID gets it |
| `ADOPTERS` | these | |
| `WITH_ADDRESS` | with an address and no UID | cards of which only the name leads to a contact |
| `BARE` | with neither | likewise |
| `BY_NAME` | these, see `_Import._namesake` | |

Certain matches are written batch by batch. A name alone decides only after the whole file has been read, for people
whose birthday or address changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from service.contacts.intake.intake import Intake
from service.contacts.intake.put_aside import PutAside
from service.contacts.intake.report import ImportReport
from service.contacts.matching.decisions import Guess, HoldBack
from service.contacts.matching.entries import Entry
from service.contacts.matching.identity import Known, Match
from service.contacts.matching.mistaken_names import mistaken
from service.contacts.people import ParsedCard, Skipped, TooMuch
from service.contacts.reading.charsets import file_codec_of

IMPORT_BATCH = 100
"""Contacts written in one round trip."""
ADOPTERS, WITH_ADDRESS, BARE, BY_NAME = range(4)

SAME_PERSON = (
    "another entry of the file is the same person: their values were merged, and where they differ one of them was "
    "taken"
)

Item = TypeVar("Item")


def import_people(
    people: Iterable[ParsedCard | Skipped], intake: Intake, report: ImportReport, charset: str | None = None,
    require_room: Callable[[], None] = lambda: None,
) -> TooMuch | None:  # fmt: skip
    """Import every person of a file, and count the outcomes.

    Args:
        people: the entries of the file.
        intake: writes the contacts.
        report: receives the counts and warnings.
        charset: the encoding that the client asked for; None if it asked for none.
        require_room: called before each batch of contacts; ends the import by raising.

    Returns:
        Why reading stopped before the end of the file; everybody before that is imported. None if it was read whole.
    """
    with PutAside() as aside:
        return _Import(intake, report, aside, charset and file_codec_of(charset), require_room).run(people)


class _Readable:
    """The entries of a file up to its end, or up to the limit; `stopped` then says which limit."""

    def __init__(self, people: Iterable[ParsedCard | Skipped]) -> None:
        self._people = people
        self.stopped: TooMuch | None = None

    def __iter__(self) -> Iterator[ParsedCard | Skipped]:
        try:
            yield from self._people
        except TooMuch as error:
            self.stopped = error


class _Import:
    def __init__(
        self, intake: Intake, report: ImportReport, aside: PutAside, codec: str | None, require_room: Callable[[], None]
    ) -> None:
        self._require_room = require_room
        self._intake = intake
        self._report = report
        self._aside = aside
        self._codec = codec

    def run(self, people: Iterable[ParsedCard | Skipped]) -> TooMuch | None:
        file = _Readable(people)
        for batch in _batches(file):
            self._read(batch)
        for batch_of in _batches(self._aside.take(ADOPTERS)):
            self._take(batch_of)
        for stage in (WITH_ADDRESS, BARE):
            for batch_of in _batches(self._aside.take(stage)):
                self._aside.put(BY_NAME, self._take(batch_of, _has_namesake))
        for named in _batches(self._aside.take_by_name(BY_NAME)):
            self._take([card for card, _ in named], None, [self._namesake(card, number) for card, number in named])
        return file.stopped

    def _read(self, batch: Sequence[ParsedCard | Skipped]) -> None:
        cards = []
        for one in batch:
            if isinstance(one, Skipped):
                self._report.skipped(one)
            else:
                self._report.read(one)
                cards.append(one)
        self._aside.put(WITH_ADDRESS, (card for card in cards if card.emails and not card.uid))
        self._aside.put(BARE, (card for card in cards if not card.emails and not card.uid))
        self._aside.put(ADOPTERS, self._take([card for card in cards if card.uid], lambda match, _: match.adopts))

    def _take(
        self, cards: Sequence[ParsedCard], hold_back: HoldBack | None = None, guess: Sequence[Guess | None] = ()
    ) -> list[ParsedCard]:
        """Take some cards in. Returns those that are held back."""
        entries = [
            Entry(card.traits, card.carried(), None, () if card.uid else tuple(mistaken(card.traits, self._codec)))
            for card in cards
        ]
        self._require_room()
        taken = self._intake.take(entries, hold_back, guess, merged=self._report.merged)
        for card, one in zip(cards, taken, strict=True):
            if one is not None and one.became == "too_many":
                self._report.left_out(card)
            elif one is not None:
                self._report.taken(one.became)
                if one.became == "updated" and self._aside.has_met(one.contact.id):
                    self._report.warn(SAME_PERSON, card.position, card.name)
                self._aside.meet([one.contact.id])
        return [card for card, one in zip(cards, taken, strict=True) if one is None]

    def _namesake(self, card: ParsedCard, number: int) -> Guess:
        """Choose the contact with this name and neither UID nor address, if the file and the book have one each."""

        def choose(namesakes: Sequence[Known]) -> Known | None:
            living = [one for one in namesakes if one.living]
            meant = [one for one in living or namesakes if not self._aside.has_met(one.id)]
            if number != 1 or len(meant) != 1 or (card.emails and _born_otherwise(card, meant[0])):
                return None
            return meant[0]

        return choose


def _has_namesake(match: Match, namesakes: Sequence[Known]) -> bool:
    return match.contact is None and bool(namesakes)


def _born_otherwise(card: ParsedCard, known: Known) -> bool:
    """Tell whether the birthdays differ: with another address as well, only the name is the same."""
    there, here = known.traits.month_day, card.traits.month_day
    return bool(there and here and there != here)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    source = iter(items)
    while batch := list(islice(source, IMPORT_BATCH)):
        yield batch
