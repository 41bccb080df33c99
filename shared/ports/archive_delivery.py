"""Ways of archives to clients past the registry: links to the store, and caches at the edge."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import StoreLink
from shared.domain.archives.names import ArchiveName


class ArchiveLinks(Protocol):
    """Links to archives past the registry, valid for anyone who has them until they expire."""

    async def link(self, name: ArchiveName, container: ArchiveContainer, file: str) -> StoreLink:
        """Return a link to the archive in the container, without checking that it exists.

        Clients save it by the name `file`. The link works for requests without `Authorization`
        only, has the lifetime of its container, and no `/` in its query. Raises `Busy`.
        """
        ...


class EdgeCache(Protocol):
    """Caches of public answers between the registry and its clients."""

    async def forget(self, paths: Sequence[str]) -> None:
        """Start to remove all copies of the answers of these paths, which takes minutes. May be
        repeated. Raises `Busy` if the request is not accepted."""
        ...
