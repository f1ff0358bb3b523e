"""What a site's robots.txt asks of us (RFC 9309).

Such files are written by hand, put together from parts, saved in odd encodings, and mostly speak of others. So the
lines that are ours are found here, as the RFC and its reference implementation (https://github.com/google/robotstxt)
have it, and protego, which compares the paths, is shown those alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from protego import Protego

from service.domain.web_encodings import decoded

AGENT = "BotScheduler"
"""Our product token: the name under which robots.txt may address us."""
_EVERYBODY = "*"
_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(
    r"[^!-~]*"  # a byte order mark that was read in another encoding, blanks of all scripts, what has no width
    r"(?P<field>(?P<agent>user[- ]?agent)|(?P<delay>crawl[- ]delay)|allow"
    r"|disallow|dissallow|dissalow|disalow|diasllow|disallaw)"  # slips that the reference implementation takes, too
    r"(?:\s*:|\s|$)[^!-~]*(?P<value>[^#]*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[a-z_-]*", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^!-~]+")


def read_robots(body: bytes, whole: bool = True) -> str:
    """The rules for us in a robots.txt, as a robots.txt of their own.

    Args:
        body: as it was received. It should be UTF-8; UTF-16 is told by its byte order mark, or by its zeros.
        whole: false if it was cut, so that its last line may say something else.
    """
    text = decoded(body, None)
    return own_rules(text if whole else text[: max(text.rfind("\r"), text.rfind("\n"), 0)])


def own_rules(text: str) -> str:
    """The rules for us in a robots.txt, as a robots.txt of their own; in that, it finds them again.

    Groups that name us count together, in any case and with whatever follows the name (`BotScheduler/1.0`); where there
    is none, those for everybody (`*`) do.
    """
    named: list[str] = []
    everybody: list[str] = []
    names_us = to_us = to_all = begun = False
    for kind, value in _directives(text):
        if kind == "agent":
            if begun:
                to_us = to_all = begun = False
            to_us, to_all = to_us or _is_us(value), to_all or value.split()[:1] == [_EVERYBODY]
            names_us = names_us or to_us
            continue
        begun = begun or kind != "Crawl-delay"  # records of no RFC's must not end a group (RFC 9309, 2.2.4)
        for rules, told in ((named, to_us), (everybody, to_all)):
            if told:
                rules.append(f"{kind}: {value}\n")
    return f"User-agent: {_EVERYBODY}\n{''.join(named if names_us else everybody)}"


class Rules:
    """A site's rules for us.

    Args:
        text: its robots.txt, or what `own_rules` made of it.
    """

    def __init__(self, text: str) -> None:
        self._parsed = Protego.parse(own_rules(text))

    def allow(self, url: str) -> bool:
        """Whether a page may be visited: by the longest rule that its path begins with (RFC 9309, 2.2.2)."""
        return self._parsed.can_fetch(url, AGENT)

    @property
    def delay(self) -> float:
        """Seconds between two requests, as it asks for; 0 if it does not."""
        return self._parsed.crawl_delay(AGENT) or 0.0


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """`agent` with its name, or a rule (`Allow`, `Disallow`, `Crawl-delay`) with its plain value, line by line."""
    # UTF-16 without its mark is ASCII with zeros; files that were put behind one another have marks in the middle
    for line in _LINE_END.split(text.replace("\0", "").replace("\ufeff", "")):
        found = _LINE.match(line)
        if found is None:
            continue
        value = found["value"].strip()
        if found["agent"]:
            yield "agent", value
        elif found["delay"]:
            yield "Crawl-delay", _plain(value)
        else:
            yield "Allow" if found["field"].lower() == "allow" else "Disallow", _plain(value)


def _is_us(name: str) -> bool:
    """Whether the product token that `name` begins with is ours (RFC 9309, 2.2.1)."""
    token = _TOKEN.match(name.lstrip(_EVERYBODY))
    return token is not None and token[0].lower() == AGENT.lower()


def _plain(value: str) -> str:
    """`value` on one line of ASCII, percent-encoded as RFC 9309, 2.2.2, compares it."""
    return _NOT_PLAIN.sub(lambda found: quote(found[0], errors="replace"), value)
