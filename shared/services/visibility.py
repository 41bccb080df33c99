"""Visibility: making packages private, and public again."""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors import PackageNotFound
from shared.domain.identity import Principal
from shared.domain.names import Package
from shared.domain.package import Head, Visibility
from shared.domain.release import changed
from shared.domain.rights import Action
from shared.ports import Clock, MetadataStore
from shared.services.changing import until_fresh
from shared.services.deriving import Deriving


@dataclass(frozen=True)
class ChangingVisibility:
    """Decides who sees a package: everybody, or the members of its organization alone."""

    authorization: Authorization
    metadata: MetadataStore
    deriving: Deriving
    clock: Clock

    async def change(self, package: Package, wanted: Visibility, *, by: Principal) -> Head:
        """Make the package public or private, search and index included; a repeat changes nothing.

        Owners may who signed in a moment ago. Raises `PackageNotFound`.
        """
        await self.authorization.require(by, Action.GOVERN, package)

        async def attempt() -> Head:
            head = await self.metadata.head(package)
            if head is None:
                raise PackageNotFound(package)
            if head.visibility is wanted:
                return head
            return await self.metadata.replace_head(self._made(head, wanted, by))

        head = await until_fresh(attempt)
        await self.deriving.changed(head)
        return head

    def _made(self, head: Head, wanted: Visibility, by: Principal) -> Head:
        kind = f"package.{wanted.value}"
        return changed(head, kind, by=by, now_ms=self.clock.now_ms(), visibility=wanted)
