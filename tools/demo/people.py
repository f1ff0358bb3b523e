"""The address book of the demonstration: invented people, as a file that the service imports."""

from __future__ import annotations

import io
from random import Random

GIVEN = (
    "Ada", "Émile", "Björn", "Chiara", "Dorothea", "Erik", "Fatima", "Greta", "Hugo", "Ines", "Jakub", "Katarína",
    "Luca", "Mira", "Noor", "Olivia", "Paweł", "Quirin", "Rosa", "Søren", "Theo", "Ulla", "Valentin", "Wanda", "Xenia",
    "Yusuf",
    "Zoë",
)  # fmt: skip
FAMILY = (
    "Adler", "Bauer", "Černý", "Dubois", "Eriksen", "Fischer", "García", "Huber", "Ivanova", "Jensen", "Keller",
    "Lindqvist", "Moreau", "Novák", "Ortiz", "Petrov", "Quinn", "Rossi", "Schäfer", "Tanaka", "Urban", "Vogel", "Weiss",
    "Yılmaz",
    "Zeman",
)  # fmt: skip


def cards(count: int, random: Random) -> io.BytesIO:
    """Write so many vCards, each of another person."""
    lines = []
    for number in range(count):
        given, family = random.choice(GIVEN), random.choice(FAMILY)
        month, day = random.randrange(1, 13), random.randrange(1, 29)
        lines += [
            "BEGIN:VCARD", "VERSION:4.0", f"UID:demo-{number}", f"FN:{given} {family}", f"N:{family};{given};;;",
            f"EMAIL:person{number}@example.org",
        ]  # fmt: skip
        if random.random() < 0.7:
            lines.append(f"BDAY:{random.randrange(1940, 2005)}{month:02}{day:02}")
        if random.random() < 0.4:
            lines.append(f"TEL:+43 720 {number:06}")
        if random.random() < 0.3:
            lines.append(f"URL:https://people.example.org/{number}")
        lines.append("END:VCARD")
    return io.BytesIO("\r\n".join([*lines, ""]).encode())
