"""Headers of every page for people, wherever in this process it comes from.

A module of its own, since the API's middleware and the console need them, and neither imports the other.
"""

from __future__ import annotations

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The Content-Security-Policy of every page."""

PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    # With `no-referrer` a browser would send `Origin: null` with the forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}
