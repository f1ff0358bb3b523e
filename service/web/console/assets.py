"""Assets of the console: scripts, style sheets, pictures, under names that change with their content.

`console.css` is also at `console.1a2b3c4d5e6f.css`, where browsers may keep it for ever: once it changes, pages name
another address. Scripts import each other by these addresses too, so a page never mixes two releases.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from service.web.http.representation.codings import BROTLI, GZIP, IDENTITY, squeezed

STATIC = "/static"
FOLDER = Path(__file__).parent / "static"

_DIGITS = 12
_DATED = re.compile(rf"(.+)\.([0-9a-f]{{{_DIGITS}}})(\.[a-z]+)")
_IMPORT = re.compile(rb'(?<= from "\./)[a-z-]+\.js(?=";)')


@dataclass(frozen=True)
class Asset:
    """One file.

    Args:
        name: its plain name.
        content: its content, where scripts name each other's hashed names.
        media_type: its media type.
    """

    name: str
    content: bytes
    media_type: str

    @cached_property
    def digest(self) -> str:
        """The hash of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()[:_DIGITS]

    @property
    def hashed_name(self) -> str:
        """The name that changes with the content."""
        stem, dot, ending = self.name.rpartition(".")
        return f"{stem}.{self.digest}{dot}{ending}"

    @cached_property
    def forms(self) -> dict[str, bytes]:
        """The content in each coding."""
        return {IDENTITY: self.content, **{coding: squeezed(self.content, coding) for coding in (BROTLI, GZIP)}}


class Assets:
    """All files of a folder, in memory.

    Args:
        folder: the folder. It has no folders of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._sources = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        self._made: dict[str, Asset] = {}
        for name in self._sources:
            self._asset(name)

    def _asset(self, name: str, importers: tuple[str, ...] = ()) -> Asset:
        """Make an asset once, after those that it imports, since their hashes are part of its content."""
        if name in importers:
            raise ValueError(f"{' imports '.join((*importers, name))}: scripts that import each other have no hashes")
        if name not in self._made:
            content = _IMPORT.sub(
                lambda found: self._asset(found[0].decode(), (*importers, name)).hashed_name.encode(),
                self._sources[name],
            )
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self._made[name] = Asset(name, content, kind)
        return self._made[name]

    def address(self, name: str) -> str:
        """Return the address at which browsers may keep a file for ever. Raises KeyError if there is no such file."""
        return f"{STATIC}/{self._made[name].hashed_name}"

    def find(self, name: str) -> tuple[Asset, bool] | None:
        """Find a file by its plain name, or by its hashed name of this or another release.

        A page that was loaded from the previous release may still ask for its files; the current ones serve it better
        than none.

        Returns:
            The file, and whether the name holds the hash of its content; None if there is no such file.
        """
        dated = _DATED.fullmatch(name)
        asset = self._made.get(dated[1] + dated[3] if dated else name)
        return None if asset is None else (asset, dated is not None and dated[2] == asset.digest)

    def squeeze(self) -> None:
        """Compress all files, which takes a tenth of a second, before the first request."""
        for asset in self._made.values():
            _ = asset.forms


ASSETS = Assets(FOLDER)
"""The console's own. A process reads them once, however many applications it makes."""
