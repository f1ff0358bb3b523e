"""A site's robots.txt (RFC 9309).

People write such files by hand, put them together from parts, save them in odd encodings, and mostly address other
robots. So the lines for us are found here, as the RFC and its reference implementation
(https://github.com/google/robotstxt) find them. protego, which compares the paths, reads those alone.
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
    r"[^!-~]*"  # a byte order mark read in another encoding, any blanks, characters without width
    r"(?P<field>(?P<agent>user[- ]?agent)|(?P<delay>crawl[- ]delay)|allow"
    r"|disallow|dissallow|dissalow|disalow|diasllow|disallaw)"  # slips that the reference implementation accepts
    r"(?:\s*:|\s|$)[^!-~]*(?P<value>[^#]*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[a-z_-]*", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^!-~]+")


def read_robots(body: bytes, whole: bool = True) -> str:
    """Return the rules for us in a robots.txt, as a robots.txt of their own.

    Args:
        body: the received bytes. They should be UTF-8. UTF-16 is recognised by its byte order mark, or by its zeros.
        whole: false if the body was cut, so that its last line may be incomplete.
    """
    text = decoded(body, None)
    return own_rules(text if whole else text[: max(text.rfind("\r"), text.rfind("\n"), 0)])


def own_rules(text: str) -> str:
    """Return the rules for us in a robots.txt, as a robots.txt of their own.

    Applied to its own result, it returns the same. Groups that name us count together, in upper or lower case and with
    any text after the name (`BotScheduler/1.0`). If no group names us, those for everybody (`*`) count.
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
        begun = begun or kind != "Crawl-delay"  # a record outside the RFC must not end a group (RFC 9309, 2.2.4)
        for rules, told in ((named, to_us), (everybody, to_all)):
            if told:
                rules.append(f"{kind}: {value}\n")
    return f"User-agent: {_EVERYBODY}\n{''.join(named if names_us else everybody)}"


class Rules:
    """A site's rules for us.

    Args:
        text: its robots.txt, or the result of `own_rules`.
    """

    def __init__(self, text: str) -> None:
        self._parsed = Protego.parse(own_rules(text))

    def allow(self, url: str) -> bool:
        """Return whether a page may be visited, by the longest rule that matches its path (RFC 9309, 2.2.2)."""
        return self._parsed.can_fetch(url, AGENT)

    @property
    def delay(self) -> float:
        """Seconds that the site asks for between two requests, or 0."""
        return self._parsed.crawl_delay(AGENT) or 0.0


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Yield `agent` with its name, or a rule (`Allow`, `Disallow`, `Crawl-delay`) with its value, line by line."""
    # UTF-16 without its mark is ASCII with zeros; joined files have marks in the middle
    for line in _LINE_END.split(text.replace("\0", "").replace("\ufeff", "")):
        match = _LINE.match(line)
        if match is None:
            continue
        value = match["value"].strip()
        if match["agent"]:
            yield "agent", value
        elif match["delay"]:
            yield "Crawl-delay", _plain(value)
        else:
            yield "Allow" if match["field"].lower() == "allow" else "Disallow", _plain(value)


def _is_us(name: str) -> bool:
    """Return whether the product token at the start of `name` is ours (RFC 9309, 2.2.1)."""
    token = _TOKEN.match(name.lstrip(_EVERYBODY))
    return token is not None and token[0].lower() == AGENT.lower()


def _plain(value: str) -> str:
    """Return `value` on one line of ASCII, percent-encoded as RFC 9309, 2.2.2, compares it."""
    return _NOT_PLAIN.sub(lambda match: quote(match[0], errors="replace"), value)
