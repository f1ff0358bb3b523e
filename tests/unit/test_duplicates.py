"""Who may be one person."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import pytest

from service.contacts.matching import duplicates
from service.contacts.matching.alike import reasons, similar
from service.contacts.matching.duplicates import Duplicates, Group, confirmed, find
from service.domain.people.contact import Contact


def uuid(number: int) -> str:
    return str(UUID(int=number))


def person(number: int, name: str, birthday: str | None = None, *, emails: str = "", phones: str = "") -> Contact:
    numbers = tuple(phones.split("|")) if phones else ()
    return Contact(uuid(number), name, birthday=birthday, emails=tuple(emails.split()), phones=numbers)


def found_in(*people: Contact) -> Duplicates:
    known = {one.id: one for one in people}
    return find(people, lambda ids: [known[one] for one in ids if one in known])


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (person(1, "John Doe", emails="j@x.org"), person(2, "Doe, Dr. JOHN", emails="J@x.org"),
         ["the same name and an e-mail address"]),
        (person(1, "John Doe", phones="+49 171 1234567"), person(2, "John Doe", phones="0171/1234567 ext. 5"),
         ["the same name and a phone number"]),
        (person(1, "John Doe", "1990-04-12"), person(2, "John Doe", "--04-12"), ["the same name and the birthday"]),
        (person(1, "John Doe", "1990-04-12", emails="j@x.org"), person(2, "John Doe", "1990-04-12", emails="j@x.org"),
         ["the same name and an e-mail address", "the same name and the birthday"]),
        (person(1, "J. Doe", emails="j@x.org"), person(2, "John Doe", emails="j@x.org"),
         ["the same e-mail address and similar names"]),
        (person(1, "Jon Doe", "--04-12", emails="j@x.org"), person(2, "John Doe", "1990-04-12", emails="j@x.org"),
         ["the same e-mail address and similar names"]),
        # Twins, namesakes, families
        (person(1, "Amelia Rivers", "1990-04-12", emails="f@x.org"),
         person(2, "Anna Rivers", "1990-04-12", emails="f@x.org"), []),
        (person(1, "Jon Doe", "1990-04-12", emails="j@x.org"),
         person(2, "John Doe", "1960-04-12", emails="j@x.org"), []),
        (person(1, "John Doe", "1990-04-12"), person(2, "John Doe", "1991-04-12"), []),
        (person(1, "John Doe"), person(2, "John Doe"), []),
        (person(1, "John Doe", phones="12"), person(2, "John Doe", phones="12"), []),
        (person(1, "John Doe", emails="j@x.org"), person(2, "John Doe", emails="k@x.org"), []),
        (person(1, "Amelia Rivers", "1990-04-12"), person(2, "Kim Lake", "1990-04-12"), []),
    ],
)  # fmt: skip
def test_two_are_shown_together_for_a_reason(first: Contact, second: Contact, why: list[str]) -> None:
    """Either way round; and found so in a book of others."""
    assert reasons(first, second) == reasons(second, first) == why
    others = [person(number, f"Person {number}", f"1990-01-{number % 28 + 1:02}") for number in range(10, 40)]
    expected = (Group((uuid(1), uuid(2)), tuple(why)),) if why else ()
    assert found_in(*others, second, first).groups == expected


@pytest.mark.parametrize(
    ("first", "second", "are"),
    [
        ("J. Doe", "John Doe", True), ("John", "John Doe", True), ("Jon Doe", "John Doe", True),
        ("Jose\u0301 Ruiz", "José Ruiz", True), ("Amelia Rivers", "Anna Rivers", False), ("Al Doe", "Bo Doe", False),
        ("José García", "Jose Garcia", True), ("Łukasz Żak", "Lukasz Zak", True), ("Anna-Lena Hy", "AnnaLena Hy", True),
        ("O'Brien", "O Brien", True), ("山田 太郎", "山田太郎", True),
        ("Anna", "Hanna", False), ("x" * 200, "y" * 200, False), ("", "John", True),
    ],
)  # fmt: skip
def test_names_are_similar_where_one_word_differs_a_little(first: str, second: str, are: bool) -> None:
    """Short forms and slips of the pen, and not the names of a family."""
    assert similar(first, second) is similar(second, first) is are


def test_several_who_belong_together_are_one_group() -> None:
    """Also where two of them have nothing in common but a third; each is in one group alone."""
    found = found_in(
        person(3, "John Doe", emails="a@x.org"), person(2, "John Doe", emails="a@x.org", phones="0171 1234567"),
        person(1, "John Doe", phones="0171 1234567"),
        person(5, "Kim Lake", "--01-02"), person(4, "Kim Lake", "--01-02"),
    )  # fmt: skip
    assert [group.ids for group in found.groups] == [(uuid(1), uuid(2), uuid(3)), (uuid(4), uuid(5))]
    assert set(found.groups[0].reasons) == {"the same name and an e-mail address", "the same name and a phone number"}


def test_a_group_that_others_have_changed_meanwhile_is_as_it_is_now() -> None:
    """Merged ones leave it; of whom one is left there is nothing to be shown."""
    people = {uuid(number): person(number, "John Doe", "1990-04-12") for number in range(1, 4)}

    def look(ids: Sequence[str]) -> Iterable[Contact]:
        return [people[one] for one in ids if one in people]

    found = find(list(people.values()), look)
    del people[uuid(1)]
    assert [group.ids for group in confirmed(found.groups, look)] == [(uuid(2), uuid(3))]
    people[uuid(2)] = person(2, "Jane Roe")
    assert list(confirmed(found.groups, look)) == []


def test_what_strangers_can_bring_about_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands with one address are compared in part; of too many groups or contacts it says so."""
    crowd = [person(number, f"Jon{chr(97 + number % 26)} Doe", emails="info@x.org") for number in range(3000)]
    groups = found_in(*crowd).groups
    assert groups and sum(len(group.ids) for group in groups) <= duplicates.MOST_TOGETHER
    pairs = [person(number, f"Person {number // 2}", "--04-12") for number in range(40)]
    assert len(found_in(*pairs).groups) == 20 and not found_in(*pairs).has_more
    monkeypatch.setattr(duplicates, "MOST_GROUPS", 5)
    monkeypatch.setattr(duplicates, "TOGETHER", 2)
    assert len(found_in(*pairs).groups) == 5 and found_in(*pairs).has_more
    monkeypatch.setattr(duplicates, "MOST_LOOKED_AT", 4)
    assert len(found_in(*pairs).groups) == 2 and found_in(*pairs).has_more


@pytest.mark.slow(reason="a large address book is compared")
def test_a_large_book_needs_little_memory() -> None:
    """Some bytes for each of 3,000 with forty keys, whatever they are; and what is sorted in one go."""

    def everybody() -> Iterator[Contact]:
        for number in range(3_000):
            emails = " ".join(f"{number}-{mail}@x.org" for mail in range(20))
            yield person(
                number, f"Person {number}", emails=emails, phones="|".join(str(number * 100 + n) for n in range(20))
            )

    tracemalloc.start()
    try:
        find(everybody(), lambda ids: [])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
