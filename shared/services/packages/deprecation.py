"""Deprecation of releases and packages, and its message."""

from collections.abc import Callable

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Invalid
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.releases import Changeable, with_change
from shared.domain.scopes import Action
from shared.ports.system import Clock
from shared.services.packages.package_records import PackageRecordWriter

MAX_MESSAGE_LENGTH = 500  # Characters: the message travels in a header of every pull.


class Deprecation(Struct, frozen=True):
    """Deprecates releases and packages, and undoes that."""

    authorization: Authorization
    package_records: PackageRecordWriter
    clock: Clock

    async def deprecate(self, coordinate: Coordinate, message: str, *, by: Principal) -> Release:
        """Deprecate one version, with a message for its users; a repeat replaces the message."""
        text = checked_message(message)
        return await self._change_release(coordinate, lambda _head, _release: text, by)

    async def undeprecate(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Undeprecate one version; raise `package-is-deprecated` if all of the package is."""

        def no_message(head: Head, release: Release) -> None:
            if head.deprecation is not None and release.deprecation is None:
                raise Invalid(
                    "package-is-deprecated",
                    f"{coordinate.package} is deprecated as a whole, and {coordinate} with it. "
                    f"Undo that first: bal deprecate --undo {coordinate.package}.",
                )

        return await self._change_release(coordinate, no_message, by)

    async def deprecate_package(self, package: Package, message: str, *, by: Principal) -> Head:
        """Deprecate every version of the package, future ones included."""
        return await self._change_package(package, checked_message(message), by)

    async def undeprecate_package(self, package: Package, *, by: Principal) -> Head:
        """Undeprecate the package; versions that were deprecated by themselves stay deprecated."""
        return await self._change_package(package, None, by)

    async def _change_release(
        self,
        coordinate: Coordinate,
        message_for: Callable[[Head, Release], str | None],
        by: Principal,
    ) -> Release:
        await self.authorization.require(by, Action.DEPRECATE, coordinate.package)

        def decide(head: Head, release: Release) -> Release:
            if release.state is not State.LIVE:
                raise ReleaseNotFound(coordinate.package, coordinate.version)
            return self._with_message(release, message_for(head, release), by)

        return await self.package_records.change_release(coordinate, decide)

    async def _change_package(self, package: Package, message: str | None, by: Principal) -> Head:
        await self.authorization.require(by, Action.DEPRECATE, package)
        try:
            return await self.package_records.change_package(
                package, lambda head: self._with_message(head, message, by)
            )
        except PackageNotFound:
            raise ReleaseNotFound(package, "*") from None

    def _with_message(self, record: Changeable, message: str | None, by: Principal) -> Changeable:
        """Return the record with the message, or without one, and the event of that change."""
        if message == record.deprecation:
            return record
        what = "release" if isinstance(record, Release) else "package"
        kind = f"{what}.{'undeprecated' if message is None else 'deprecated'}"
        return with_change(record, kind, by=by, now_ms=self.clock.now_ms(), deprecation=message)


def checked_message(text: str) -> str:
    """Return the message as one line without control characters, or raise `message-too-long`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > MAX_MESSAGE_LENGTH:
        raise Invalid(
            "message-too-long",
            f"The deprecation message has {len(line)} characters, and {MAX_MESSAGE_LENGTH} fit. "
            "Shorten it, and point to a page for the rest.",
        )
    return line
