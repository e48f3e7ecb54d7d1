"""Object storage: photos and snapshots by key, behind one small Protocol."""

import re
from typing import Protocol

from server.errors import NotFound

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+")


class Objects(Protocol):
    """Keys look like `sightings/2026/01/05/<id>.jpg`. Nothing is ever public: reading goes through the API."""

    async def put(self, key: str, content: bytes) -> None:
        """Store or replace; what was stored is whole or not there."""

    async def get(self, key: str) -> bytes:
        """Raises NotFound `object_not_found`."""

    async def delete(self, key: str) -> None:
        """Deleting what is not there is not an error."""


def check_key(key: str) -> str:
    """The key, if it cannot lead out of the storage; otherwise a NotFound like any missing object."""
    if not _KEY.fullmatch(key) or ".." in key:
        raise NotFound("No such object.", code="object_not_found")
    return key
