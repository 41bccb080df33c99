"""The openings of commitments in the transparency log: to whom the log says what happened."""

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.access_rights import require_own_account
from shared.domain.coordinates import NO_PACKAGE, Package
from shared.domain.errors.base import Forbidden, InvalidRequest, NotFound, Unauthenticated, quoted
from shared.domain.events import Event
from shared.domain.names import OrgName
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.transparency.leaves import LoggedEvent, is_disclosed
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.domain.versions import Version
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventLeaves
from shared.ports.metadata import MetadataStore

MAX_INDEX_DIGITS = 15

_NO_VERSION = "0.0.0"  # A placeholder for reads that concern the whole package.

_REFUSALS = (Forbidden, NotFound, Unauthenticated)


class Opening(Struct, frozen=True):
    """The salt of a commitment and the leaf that it commits to: the log holds the SHA-256 of both
    at this index, which is not that of the leaf in a log that was mended."""

    index: int
    salt: bytes
    leaf: bytes


class Openings(Struct, frozen=True):
    """Gives the opening of a commitment to those who may see its event: who may read the package,
    for what the log tells of public packages; the owners of the organization; the account that the
    event is about; and administrators."""

    events: EventLeaves
    directory: DirectoryStore
    metadata: MetadataStore
    authorization: Authorization
    registry_authorization: RegistryAuthorization

    async def opening(self, index: str, *, by: Principal) -> Opening:
        """Return the opening of the entry at an index of the log that is written now; raise
        `opening-not-found` where there is none, and in the same way for those who may not see its
        event.

        Raises `InvalidRequest` for a text that is no index.
        """
        asked = _parse_index(index)
        for found in await self._events_at(asked):
            leaf = found.leaf
            # Readable entries have no salt.
            if leaf and leaf.salt and await self._may_see(found.event, by):
                return Opening(asked, leaf.salt, leaf.opening)
        raise NotFound(
            "opening-not-found",
            f"opening not found: entry {asked} of the log has none that you may see. Readable "
            "entries need none; for the others, use a token of an owner of the organization.",
        )

    async def _events_at(self, index: int) -> list[LoggedEvent]:
        """Return the event whose entry is at an index; nothing if it has none."""
        state = await self.directory.get(LogState, PLACE_OF_STATE)
        # Without a state, the numbers are those of a log that was never mended.
        number = state.number_of(index) if state else index + 1
        return [] if number is None else await self.events.logged(number - 1, 1)

    async def _may_see(self, event: Event, by: Principal) -> bool:
        # Every check runs, whatever the event is about, so that the time does not reveal what a
        # commitment hides.
        answers = [
            await self._may_read_package(event, by),
            await self._owns_organization(event, by),
            await self._administers(by),
        ]
        return _is_own(event, by) or any(answers)

    async def _may_read_package(self, event: Event, by: Principal) -> bool:
        told = await disclosed_package(self.metadata, event)
        package = told.head.package if told else NO_PACKAGE
        asked = [(package, told.head if told else None)]
        return package.key in await self.authorization.readable(by, asked)

    async def _owns_organization(self, event: Event, by: Principal) -> bool:
        org = OrgName(event.org) if event.org else NO_PACKAGE.org
        try:
            access = await self.authorization.require_to_read(by, Action.MANAGE, org)
        except _REFUSALS:
            return False
        # Not the events of a deleted organization with the same name.
        return event.at_ms >= access.require_organization(org).created_ms

    async def _administers(self, by: Principal) -> bool:
        try:
            await self.registry_authorization.require_auditor(by, "read", "the log of the registry")
        except _REFUSALS:
            return False
        return True


class DisclosedPackage(Struct, frozen=True):
    """The package that an event is about, and its release if it is about one."""

    head: Head
    release: Release | None


async def disclosed_package(metadata: MetadataStore, event: Event) -> DisclosedPackage | None:
    """Return the package whose readers may all read the event, as it is now; None if it is about
    something else, about a release that was never served, or about an earlier package of the
    name. One read in any case."""
    package = _package_of(event) if is_disclosed(event) else None
    version = event.subject.partition(":")[2] if package else ""
    coordinate = (package or NO_PACKAGE).at(Version.parse(version or _NO_VERSION))
    found = await metadata.find(coordinate)
    head = found.head
    if head is None or event.at_ms < head.created_ms:
        return None
    if not version:
        return DisclosedPackage(head, None)
    release = found.release
    return DisclosedPackage(head, release) if release and release.is_known else None


def _package_of(event: Event) -> Package | None:
    org, slash, name = event.subject.partition(":")[0].partition("/")
    return Package.parse(org, name) if slash else None


def _parse_index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_INDEX_DIGITS):
        message = f"An index of the log is a number such as 41, not {quoted(text)}."
        raise InvalidRequest(message)
    return int(text)


def _is_own(event: Event, by: Principal) -> bool:
    if not event.account or event.account != by.id:
        return False
    try:
        require_own_account(by, "read", "the log of your account")
    except _REFUSALS:
        return False
    return True
