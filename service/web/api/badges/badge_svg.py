"""Drawing of a badge: two fields of text, as SVG, without scripts and styles."""

from __future__ import annotations

from html import escape

from service.domain.badges.standing import WORDS, Standing

COLORS: dict[Standing, str] = {
    "unknown": "#5c5c5c", "down": "#b42318", "late": "#8a5a00", "up": "#1a7434", "new": "#5c5c5c",
    "paused": "#355f9e", "disabled": "#5c5c5c", "empty": "#5c5c5c",
}  # fmt: skip
"""White on each of them has a contrast of 4.5 at least (WCAG 2.2, 1.4.3)."""
TEXT_LENGTH = 60
_MARGIN = 7
_NARROW, _WIDE = set("ijl.,:;'|!ftr()[] "), set("mwMW@%")


def draw(text: str, standing: Standing) -> bytes:
    """Draw a badge.

    Args:
        text: at the left.
        standing: the word at the right.
    """
    words = WORDS[standing]
    left, right = _width(text) + 2 * _MARGIN, _width(words) + 2 * _MARGIN
    title = escape(f"{text}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{left + right}" height="20" rx="3" fill="#3f3f46"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" fill="{COLORS[standing]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f"{_drawn(text, left / 2)}{_drawn(words, left + right / 2)}</g></svg>"
    ).encode()


def _drawn(words: str, middle: float) -> str:
    place = f'x="{middle:g}" y="14" textLength="{_width(words)}" lengthAdjust="spacingAndGlyphs"'
    return f"<text {place}>{escape(words)}</text>"


def _width(words: str) -> int:
    """Estimate the width of a text at 11 px; `textLength` makes it so."""
    return max(8, round(sum(_width_of(one) for one in words)))


def _width_of(character: str) -> float:
    if character in _NARROW:
        return 4.2
    if character in _WIDE:
        return 10.5
    return 7.0 if character.isascii() else 11.0
