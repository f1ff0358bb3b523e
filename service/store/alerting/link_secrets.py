"""Secrets with which links in alerts are signed, in Redis: one that signs, and the one before it.

Redis has them, and no setting: schedulers need no `API_KEY`, and a link in somebody's mail must tell nothing about one
that could be guessed.
"""

from __future__ import annotations

import secrets

from service.domain.alerting.link import LIFETIME_SECONDS
from service.store.scripts import Scripts


class LinkSecrets:
    """The secrets of one installation. Each signs for as long as a link lasts, and is accepted for as long again.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def signing(self) -> bytes:
        """Return the secret that signs; make one if it is time for another."""
        return self._run(secrets.token_hex(32))[0]

    def accepted(self) -> list[bytes]:
        """Return the secrets that links may be signed with; none before the first link."""
        return [one for one in self._run("") if one]

    def _run(self, new: str) -> list[bytes]:
        found: list[bytes] = self._scripts.run("renew_link_secret", new, LIFETIME_SECONDS * 1000)
        return found
