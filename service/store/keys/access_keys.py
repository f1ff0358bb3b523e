"""Keys of access: stored API keys, and sessions of the console.

No name here holds a secret: a stored key has an id beside its secret, and a session's id is a digest of its cookie.
"""

from __future__ import annotations


class AccessKeys:
    """Keys of what callers prove themselves with; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def api_keys(self) -> str:
        """Sorted set: API key's id -> when it was created, µs."""
        return f"{self.prefix}:keys"

    def api_key(self, key_id: str) -> str:
        """Name the hash of a stored API key: what it may do, and the digest of its secret."""
        return f"{self.prefix}:key:{key_id}"

    def revoked_key(self, key_id: str) -> str:
        """Name the hash of a revoked API key: when, and the digests of its secrets, to tell whoever still sends one."""
        return f"{self.prefix}:revoked:{key_id}"

    def session(self, session_id: str) -> str:
        """Name the hash of a session of the console. `session_id` is a digest of the cookie's text."""
        return f"{self.prefix}:session:{session_id}"

    def sessions(self, key_id: str) -> str:
        """Name the sorted set of the sessions that a key has opened -> when each ends at the latest, ms."""
        return f"{self.prefix}:sessions:{key_id}"
