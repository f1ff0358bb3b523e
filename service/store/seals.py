"""Key of the seal that stands for erased persons, in Redis; the first erasure makes it."""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from service.domain.people.erasure.seal import Seal, new_key
from service.store.keys import Keys
from service.store.server.exchange import execute, repeatable
from service.store.server.translation import translate_errors


class Seals:
    """The seal of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
    """

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._key = keys.seal

    def current(self) -> Seal | None:
        """Return the seal; None if nobody was ever erased. It is read each time: data may be put back."""
        with translate_errors():
            found = repeatable(lambda: execute(self._client, "GET", self._key))
        return Seal(found.decode()) if found else None

    def made(self) -> Seal:
        """Return the seal; make it if it does not exist."""
        with translate_errors():
            execute(self._client, "SET", self._key, new_key(), "NX")
        found = self.current()
        assert found is not None
        return found

    def forms(self, identities: Sequence[str]) -> list[tuple[str, ...]]:
        """Return each identity, and beside it how it is known if it was an erased person's."""
        seal = self.current()
        return [(one,) if seal is None else (one, seal.identity(one)) for one in identities]
