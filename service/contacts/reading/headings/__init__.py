"""Headings: the meaning of a spreadsheet's columns.

The headings are data: one file beside this one for each program and language, `PROGRAM.LANGUAGE.toml`. It has

    language = "de"                    # of its headings
    given = ["Vorname"]                # a field, and the headings that this program uses for it
    email = ["E-Mail-Adresse", "E-Mail #: Adresse"]

`#` stands for a number. Case, accents, blanks, hyphens, underscores and other marks make no difference. The fields are
those of `FIELDS`. If a heading means different things to different programs, the program counts that knows most of the
file's headings.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources

from service.contacts.dates import DateOrder

FIELDS = frozenset(
    {
        *("uid", "name", "given", "middle", "family", "other_name", "organization"),
        *("birthday", "birth_year", "birth_month", "birth_day"),
        "anniversary",  # of a wedding; written as another language writes the birthday, and not taken
        "birthday_alone",  # a heading such as Date: the birthday, if no other column is
        *("year", "month", "day"),  # the birthday's, if no other column is, and both month and day are there
        *("email", "phone", "url", "language_tag"),
        "deceased",  # a date, or a word that says yes
        "label",  # describes another column's value; nothing is lost with it
    }
)
NAMING = frozenset({"name", "given", "family", "other_name", "email"})
"""Fields; a file must have one of them."""
_SEVERAL = frozenset({"email", "phone", "url", "label"})
_JOINED = frozenset({"family", "other_name", "organization"})
"""Fields that take all of their columns, or for which the other columns are no great loss."""
_MONTH_FIRST = frozenset({"en"})
"""Languages in which the month of a date comes first."""
MAX_COLUMNS = 1000
"""Most headings; no program writes more."""
_MAX_HEADING = 200
_BRACKETED = re.compile(r"[(\[][^)\]]*[)\]]")
_FORMAT = re.compile(
    r"[\s(\[_-]*(?<![^\W_])([dtjgmya]{1,4})[-/._ ]([dtjgmya]{1,4})[-/._ ]([dtjgmya]{1,4})[)\]]?\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Columns:
    """A spreadsheet's columns.

    Args:
        headings: all of them, as written.
        fields: the numbers of each field's columns, from 0.
        order: the order of dates that a format such as DD/MM/YYYY in the headings names.
        usual_order: the usual order in the language of the headings.
        unknown: the numbers of the columns that were not understood, the least first.
    """

    headings: tuple[str, ...]
    fields: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    order: DateOrder | None = None
    usual_order: DateOrder = "month"
    unknown: tuple[int, ...] = ()

    @property
    def doubled(self) -> list[str]:
        """Fields with one value and several columns."""
        fields = self.fields.items()
        return [name for name, indexes in fields if len(indexes) > 1 and name not in _SEVERAL | _JOINED]

    @property
    def has_half_names(self) -> bool:
        """Whether there is a column Name, and one for either the given or the family name."""
        return "name" in self.fields and ("given" in self.fields) != ("family" in self.fields)

    def weight(self) -> int:
        """Return the number of columns with a field of a contact, if they name somebody; else 0."""
        if not NAMING & self.fields.keys():
            return 0
        return sum(len(indexes) for name, indexes in self.fields.items() if name != "label")


@dataclass(frozen=True, slots=True)
class _Table:
    """Headings of one program in one language."""

    program: str
    language: str
    fields: Mapping[str, str]


def columns_of(headings: Sequence[str]) -> Columns:
    """Find the meaning of the columns under these headings."""
    meant = [_meanings(heading) for heading in headings[:MAX_COLUMNS]]
    language = _language(meant)
    tables = _ranked(meant, language)
    fields: dict[str, list[int]] = {}
    for index, meanings in enumerate(meant):
        best = next((meanings[table] for table in tables if table in meanings), None)
        if best is not None and not _is_ambiguous(meanings):
            fields.setdefault(best, []).append(index)
    if not {"birthday", "birth_month"} & fields.keys():
        fields["birthday"] = [index for index in range(len(meant)) if _is_birthday(index, headings, meant)]
        if not fields["birthday"]:
            del fields["birthday"]
    _settle_birthday(fields)
    hint = next((hint for index in fields.get("birthday", []) if (hint := _format_order(headings[index]))), None)
    usual: DateOrder = "month" if language in _MONTH_FIRST else "day"
    known = {index for indexes in fields.values() for index in indexes}
    unknown = tuple(index for index in range(len(headings)) if index not in known)
    return Columns(tuple(headings), {name: tuple(found) for name, found in fields.items()}, hint, usual, unknown)


def _meanings(heading: str) -> dict[tuple[str, str], str]:
    """Return the meaning in each table, by the table's program and language."""
    written = heading[:_MAX_HEADING]
    unmarked = written.lstrip(" #*\u200e\ufeff")
    for spelling in (written, unmarked, _FORMAT.sub("", unmarked), _BRACKETED.sub(" ", unmarked)):
        key = _key(spelling)
        if found := _index().get(key):
            return found
    bare = {table: name for table, name in _index().get(key.replace("#", ""), {}).items() if name in _SEVERAL}
    return bare if "#" in key else {}


def _is_ambiguous(meanings: Mapping[tuple[str, str], str]) -> bool:
    """Tell whether it is the birthday in one language and the wedding in another: Portuguese `Aniversário`."""
    return "anniversary" in meanings.values()


def _is_birthday(index: int, headings: Sequence[str], meant: Sequence[Mapping[tuple[str, str], str]]) -> bool:
    """Tell whether an ambiguous heading is the birthday.

    The language of the other headings decides; if they show none, its accents do.
    """
    if not _is_ambiguous(meant[index]):
        return False
    votes: dict[str, int] = {}
    for meanings in (*meant[:index], *meant[index + 1 :]):
        for language in {language for _, language in meanings}:
            votes[language] = votes.get(language, 0) + 1
    born, wed = (
        max(votes.get(language, 0) for (_, language), name in meant[index].items() if name == wanted)
        for wanted in ("birthday", "anniversary")
    )
    return born > wed or (born == wed and _has_accent(headings[index]))


def _has_accent(heading: str) -> bool:
    return any(unicodedata.combining(char) for char in unicodedata.normalize("NFD", heading))


def _language(found: Iterable[Mapping[tuple[str, str], str]]) -> str:
    """Return the language of most headings, that of the birthday's before others; English in a tie."""
    scores = {"en": 0.5}
    for meanings in found:
        languages = {language: "birthday" in name for (_, language), name in meanings.items()}
        for language, is_birthday in languages.items():
            scores[language] = scores.get(language, 0) + (2 if is_birthday else 1)
    return max(scores, key=lambda language: (scores[language], language == "en"))


def _ranked(found: Iterable[Mapping[tuple[str, str], str]], language: str) -> list[tuple[str, str]]:
    """Rank the tables: first those in the file's language that know most of its headings."""
    scores: dict[tuple[str, str], int] = {}
    for meanings in found:
        for table in meanings:
            scores[table] = scores.get(table, 0) + 1
    return sorted(scores, key=lambda table: (table[1] != language, -scores[table], table[0] != "plain", table))


def _settle_birthday(fields: dict[str, list[int]]) -> None:
    """Decide which columns are the birthday, by the columns beside them."""
    has_month = "birth_month" in fields or "month" in fields
    has_day = "birth_day" in fields or "day" in fields
    if "birthday" in fields and has_month and not has_day:  # the day's number
        fields["birth_day"] = fields.pop("birthday")
        has_day = True
    if has_month and has_day and "birthday" not in fields:
        for plain in ("year", "month", "day"):
            if plain in fields:
                fields.setdefault(f"birth_{plain}", fields[plain])
    elif "birthday" not in fields and "birthday_alone" in fields:
        fields["birthday"] = fields["birthday_alone"]
    elif "birthday" in fields and "year" in fields and not has_day:  # December 4, and 1990 beside it
        fields.setdefault("birth_year", fields["year"])
    for plain in ("year", "month", "day", "birthday_alone"):
        fields.pop(plain, None)


def _format_order(heading: str) -> DateOrder | None:
    match = _FORMAT.search(heading[:_MAX_HEADING])
    if match is None:
        return None
    first, second, _ = (part.casefold()[0] for part in match.groups())
    if len(match[1]) > 2 or first == "y":
        return "month" if second == "m" else None
    return "month" if first == "m" else "day"


@lru_cache(maxsize=4096)
def _key(heading: str) -> str:
    """Return the compared form of a heading: letters without case and accents, and `#` for each number."""
    plain = unicodedata.normalize("NFKD", heading).casefold()
    letters = "".join(char if char.isalnum() else "#" if char == "#" else "" for char in plain)
    return re.sub(r"\d+", "#", letters)


@cache
def _index() -> dict[str, dict[tuple[str, str], str]]:
    """Return, for each heading's key, its meaning in each table that has it."""
    index: dict[str, dict[tuple[str, str], str]] = {}
    for table in _tables():
        for heading, name in table.fields.items():
            index.setdefault(heading, {})[table.program, table.language] = name
    return index


def _tables() -> Iterator[_Table]:
    for file in sorted(resources.files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text("utf-8"))
            language = table.pop("language")
            if unknown := table.keys() - FIELDS:
                raise ValueError(f"{file.name} has fields that there are not: {', '.join(sorted(unknown))}")
            fields = {_key(heading): name for name, headings in table.items() for heading in headings}
            yield _Table(file.name.partition(".")[0], language, fields)
