"""Splitting of a vCard file into cards, each with its relevant lines.

Files are joined without a line break between them, lose a line, or break a text without folding it. Each card that
begins still comes out, with a warning about losses and guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from service.contacts.reading.lines import MAX_LINE, decode

MAX_CARD = 256 * 1024
"""Most bytes of the relevant properties of one card; a larger property is left out."""
MAX_UNREADABLE = 20
"""Most lines of a card that are invalid in a vCard; a card with more is skipped."""
MAX_TOLD = 20
"""Most warnings of one card; others are counted."""

WANTED = frozenset(
    {
        *("VERSION", "UID", "KIND", "X-ADDRESSBOOKSERVER-KIND", "N", "FN", "NICKNAME", "ORG", "BDAY"),
        *("DEATHDATE", "X-DEATHDATE", "DEATHPLACE", "EMAIL", "TEL", "URL", "X-SOCIALPROFILE", "SOCIALPROFILE"),
        *("LANG", "LANGUAGE", "X-BIRTHDAY", "X-EVOLUTION-BIRTHDAY", "X-ANDROID-CUSTOM"),
        *("X-DEATH-DATE", "X-EVOLUTION-DEATHDATE", "X-ABDATE", "X-ABLABEL"),
    }
)
_TEXTS = frozenset({"N", "FN", "NICKNAME", "ORG"})
"""Properties that a following line without a property continues; it makes other properties doubtful."""
_PROPERTY = re.compile(rb"(?:[\w-]+\.)?([\w/-]+)[:;]")  # the slash is KDE's
_MARK = re.compile(rb"(?:\s|\xef\xbb\xbf)*+(BEGIN|END)\s*+:\s*+VCARD(.*)", re.IGNORECASE | re.DOTALL)
_BEGIN = b"BEGIN:VCARD"
_AGENT = re.compile(rb"(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*", re.IGNORECASE)
"""Another person's card follows inside of this one, as in vCard 2.1."""
_QUOTED_PRINTABLE = re.compile(rb"[^:]*QUOTED-PRINTABLE", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class RawCard:
    """Card as far as it has been read: its relevant logical lines, and warnings.

    Args:
        position: in its file, from 1.
        begun: whether it has a BEGIN:VCARD.
        fault: why it cannot be imported; None if it can.
        dropping: whether the current property is irrelevant.
        quoted: whether the property is in quoted-printable; `soft_broken` tells that it goes on in the next line.
        unread: the properties that lost something, in capitals.
    """

    position: int
    begun: bool = True
    lines: list[bytearray] = field(default_factory=list)
    fault: str | None = None
    dropping: bool = False
    quoted: bool = False
    soft_broken: bool = False
    unread: set[str] = field(default_factory=set)
    _size: int = 0
    _unreadable: int = 0
    _told: list[str] = field(default_factory=list)
    _untold: int = 0

    def warn(self, reason: str) -> None:
        """Add a warning about a loss or a guess; only the first ones are shown."""
        if len(self._told) < MAX_TOLD:
            self._told.append(reason)
        else:
            self._untold += 1

    def lose(self, name: str, reason: str) -> None:
        """Note that a property, its name in capitals, could not be read in full."""
        self.unread.add(name)
        self.warn(reason)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about losses and guesses."""
        more = (f"and {self._untold:,} more were left out or guessed",) if self._untold else ()
        return (*self._told, *more)

    def add(self, line: bytes) -> None:
        """Add the next physical line."""
        name = _PROPERTY.match(line)
        if self.soft_broken:
            self._go_on(b"\n" + line)
        elif line[:1] in (b" ", b"\t"):
            self._go_on(line[1:])
        elif name:
            self.dropping = name[1].upper().decode() not in WANTED
            self.quoted = bool(_QUOTED_PRINTABLE.match(line))
            if not self.dropping:
                self.lines.append(bytearray(line))
        elif line.startswith(_BOM):
            return self.add(line.lstrip(_BOM))
        elif line.strip() and not self.dropping:
            self._unfold(line)
        self.soft_broken = self.quoted and line.endswith(b"=")
        if not self.dropping:
            self._weigh(len(line))
        return None

    def cut_off(self, line: bytes) -> None:
        """Leave out a line that is not whole."""
        self.lose(name_of(line), f"the line {quote(line)} breaks off and was left out")

    def _go_on(self, more: bytes) -> None:
        if not self.dropping and self.lines:
            self.lines[-1] += more

    def _unfold(self, line: bytes) -> None:
        """Add a line that is not a property: some program broke a text without folding it."""
        self._unreadable += 1
        if self._unreadable > MAX_UNREADABLE:
            self.fault = self.fault or f"over {MAX_UNREADABLE} lines such as {quote(line)} do not belong to a vCard"
            return
        name = name_of(self.lines[-1]) if self.lines else ""
        if name in _TEXTS:
            self.lines[-1] += b"\n" + line
            self.warn(f"the line {quote(line)} was read as the rest of {name}")
        elif name in ("", "VERSION"):
            self.warn(f"the line {quote(line)} does not belong to a vCard and was left out")
        else:
            self._leave_out(f"{name} was left out, because the line {quote(line)} after it does not belong to a vCard")

    def _weigh(self, added: int) -> None:
        self._size += added
        if added >= MAX_LINE and self.lines:
            self._leave_out(f"{name_of(self.lines[-1])} was left out: its line is longer than {MAX_LINE // 1024} KiB")
        elif self._size > MAX_CARD and self.lines:
            name = name_of(self.lines[-1])
            self._leave_out(f"{name} was left out: the card is longer than {MAX_CARD // 1024} KiB without its photo")

    def _leave_out(self, reason: str) -> None:
        """Drop the current property."""
        lost = self.lines.pop()
        self._size -= len(lost)
        self.dropping = True
        self.lose(name_of(lost), reason)


def cards_in(lines: Iterator[bytes]) -> Iterator[RawCard]:
    """Yield every card of a file, also cards whose beginning is lost, in bounded memory.

    Args:
        lines: of the file, without their ends.
    """
    cards = _Cards()
    for physical in lines:
        line = physical if 0 not in physical else physical.replace(b"\0", b"")
        if _MARK.match(line) is None:
            done = cards.line(line)
            if done is not None:
                yield done
        else:
            yield from cards.marked(line)
    yield from cards.rest()


class _Cards:
    """Boundaries of a file's cards."""

    def __init__(self) -> None:
        self._card: RawCard | None = None
        self._position = 0
        self._nested = 0
        self._last = b""

    def line(self, line: bytes) -> RawCard | None:
        """Add a line without a mark. Returns the card that it ends."""
        if line[-11:].upper() == _BEGIN and not self._goes_on(line):
            return self._glued(line[:-11])
        if line:
            self._last = line
        if self._nested:
            return None
        if self._card is not None:
            self._card.add(line)
        elif _wanted(line):
            self._open(begun=False).add(line)
        return None

    def marked(self, line: bytes) -> Iterator[RawCard]:
        """Add a line that begins with one or more marks. Yields the cards that end there."""
        while (mark := _MARK.match(line)) is not None:
            line = mark[2].strip()
            if line and self._goes_on(mark[0]):
                line = mark[0]
                break
            done = self._begin() if mark[1][:1] in b"Bb" else self._end()
            if done is not None:
                if line and not _MARK.match(line) and not _wanted(line):
                    done.warn(f"the text {quote(line)} after END:VCARD was left out")
                yield done
        done = self.line(line) if line else None
        if done is not None:
            yield done

    def rest(self) -> Iterator[RawCard]:
        """Return the card that has not ended."""
        if self._card is not None:
            self._card.fault = (
                "the file ends before the card's END:VCARD" if self._card.begun else "these lines belong to no card"
            )
            yield self._card

    def _goes_on(self, line: bytes) -> bool:
        """Tell whether a line continues the one before, whatever it contains."""
        return self._card is not None and (self._card.soft_broken or line[:1] in (b" ", b"\t"))

    def _glued(self, head: bytes) -> RawCard | None:
        """Handle a card that begins at the end of a line: after a truncated file, or as somebody's AGENT."""
        name = name_of(head)
        if name == "NOTE" or (not name and self._card is not None and self._card.dropping):
            return self.line(head)
        self._last = head
        if name != "AGENT" and self._card is not None and not self._nested:
            self._card.cut_off(head)
        return self._begin()

    def _begin(self) -> RawCard | None:
        if self._card is not None and _AGENT.fullmatch(self._last):
            self._nested += 1
            self._last = b""
            return None
        done = self._card
        if done is not None and done.begun:
            done.warn("the card has no END:VCARD before the next one begins")
        elif done is not None:
            done.fault = "these lines belong to no card"
        self._open(begun=True)
        return done

    def _end(self) -> RawCard | None:
        if self._nested:
            self._nested -= 1
            return None
        done, self._card = self._card, None
        if done is not None and not done.begun:
            done.warn("the card has no BEGIN:VCARD")
        return done

    def _open(self, *, begun: bool) -> RawCard:
        self._position += 1
        self._nested, self._last = 0, b""
        self._card = RawCard(self._position, begun)
        return self._card


def name_of(line: bytes | bytearray) -> str:
    """Return the name of a line's property, in capitals; empty if the line has none."""
    found = _PROPERTY.match(line)
    return found[1].decode("ascii", "replace").upper() if found else ""


def quote(line: bytes | bytearray) -> str:
    """Return the beginning of a line, for people."""
    return f"“{decode(bytes(line[:60])).strip()}”"


def _wanted(line: bytes) -> bool:
    name = name_of(line.lstrip(_BOM))
    return name != "VERSION" and name in WANTED
