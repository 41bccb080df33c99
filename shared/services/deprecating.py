"""Deprecating: telling users of a version, or of a whole package, to move on."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors import MessageTooLong, PackageIsDeprecated, ReleaseNotFound
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, Package
from shared.domain.package import Head, Release, State
from shared.domain.release import Changeable, changed
from shared.domain.rights import Action
from shared.ports import Clock, MetadataStore
from shared.services.changing import until_fresh
from shared.services.deriving import Deriving

MAX_MESSAGE_LENGTH = 500  # Characters: the message travels in a header of every pull.


@dataclass(frozen=True)
class Deprecating:
    """Deprecates releases and packages, and takes that back."""

    authorization: Authorization
    metadata: MetadataStore
    deriving: Deriving
    clock: Clock

    async def deprecate(self, coordinate: Coordinate, message: str, *, by: Principal) -> Release:
        """Mark one version as deprecated, with a message for its users; a repeat renews it."""
        text = _message(message)
        return await self._change_release(coordinate, lambda _head, _release: text, by)

    async def undeprecate(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Take the mark off one version; raise `PackageIsDeprecated` if its package has one."""

        def decide(head: Head, release: Release) -> None:
            if head.deprecation is not None and release.deprecation is None:
                raise PackageIsDeprecated(coordinate)

        return await self._change_release(coordinate, decide, by)

    async def deprecate_package(self, package: Package, message: str, *, by: Principal) -> Head:
        """Mark every version of the package, those to come included."""
        return await self._change_head(package, _message(message), by)

    async def undeprecate_package(self, package: Package, *, by: Principal) -> Head:
        """Take that mark off; versions that were deprecated on their own stay so."""
        return await self._change_head(package, None, by)

    async def _change_release(
        self,
        coordinate: Coordinate,
        decide: Callable[[Head, Release], str | None],
        by: Principal,
    ) -> Release:
        await self.authorization.require(by, Action.DEPRECATE, coordinate.package)

        async def attempt() -> Release:
            found = await self.metadata.find(coordinate)
            head, release = found.head, found.release
            if head is None or release is None or release.state is not State.LIVE:
                raise ReleaseNotFound(coordinate.package, coordinate.version)
            message = decide(head, release)
            if message == release.deprecation:
                return release
            return await self.metadata.replace_release(self._marked(release, message, by))

        release = await until_fresh(attempt)
        await self.deriving.changed(release)
        return release

    async def _change_head(self, package: Package, message: str | None, by: Principal) -> Head:
        await self.authorization.require(by, Action.DEPRECATE, package)

        async def attempt() -> Head:
            head = await self.metadata.head(package)
            if head is None:
                raise ReleaseNotFound(package, "*")
            if message == head.deprecation:
                return head
            return await self.metadata.replace_head(self._marked(head, message, by))

        head = await until_fresh(attempt)
        await self.deriving.changed(head)
        return head

    def _marked(self, record: Changeable, message: str | None, by: Principal) -> Changeable:
        """Return the record with the message, or without one, and the event that says so."""
        what = "release" if isinstance(record, Release) else "package"
        kind = f"{what}.{'undeprecated' if message is None else 'deprecated'}"
        return changed(record, kind, by=by, now_ms=self.clock.now_ms(), deprecation=message)


def _message(text: str) -> str:
    """Return the message as one line without control characters, or raise `MessageTooLong`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > MAX_MESSAGE_LENGTH:
        raise MessageTooLong(len(line), MAX_MESSAGE_LENGTH)
    return line
