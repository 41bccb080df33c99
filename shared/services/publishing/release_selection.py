"""Decisions on many releases at once: administrators select releases by package, organization or
publisher, and quarantine or remove all of them with one reason."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Self

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import account_not_found, second_administrator_needed
from shared.domain.names import OrgName
from shared.domain.packages import Release, ReleaseEntry
from shared.domain.principals import Principal
from shared.domain.release_states import SERVABLE, State
from shared.domain.releases import Decision
from shared.domain.scopes import Resource
from shared.domain.withdrawal_reasons import PublicReason
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.gathering import gather_all
from shared.services.administration.second_administrator import SecondAdministrator
from shared.services.identity.accounts import ACCOUNT_ID_PREFIX, account_by_name
from shared.services.packages.derived_data import DerivedData
from shared.services.publishing.held_releases import DECIDED_TOGETHER, MAX_DECIDED_AT_ONCE
from shared.services.publishing.moderation import STATE_VERBS, Moderation
from shared.services.publishing.release_mail import ReleaseMail
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches

PACKAGES_SEARCHED = 2_000  # Packages that one request searches, reading the releases of each.

# The states that a decision changes.
_CHANGED = {
    State.QUARANTINED: SERVABLE,
    State.REMOVED: SERVABLE | {State.QUARANTINED},
}


_IsWanted = Callable[[ReleaseEntry], bool]


class ReleaseSelection(Struct, frozen=True):
    """Which releases are selected: those that match every field that is not empty.

    `account` is the id of an account, `token` and `publisher` are ids as well. Times are of the
    push; `until_ms` is when a list was shown, so that nobody decides on what they have not seen.
    """

    org: str = ""
    name: str = ""
    account: str = ""
    token: str = ""
    publisher: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def resource(self) -> Resource | None:
        """The resource for which a caller needs the right; None for the whole registry."""
        if not self.org:
            return None
        return Package.parse(self.org, self.name) if self.name else OrgName(self.org)

    @property
    def prefix(self) -> str:
        """The beginning of the keys of the packages that are selected; empty for all packages."""
        return f"{self.org.lower()}/" if self.org else ""

    def contains(self, release: Release) -> bool:
        origin = release.origin
        publishers = origin.provenance.publishers if origin.provenance else ()
        return (
            self.account in ("", origin.principal)
            and self.token in ("", origin.credential)
            and (not self.publisher or self.publisher in publishers)
            and self.contains_time(release.created_ms)
        )

    def contains_time(self, at_ms: int) -> bool:
        is_late = self.since_ms is None or at_ms >= self.since_ms
        return is_late and (self.until_ms is None or at_ms <= self.until_ms)

    def require_any(self) -> Self:
        """Raise `InvalidRequest` if all fields are empty."""
        if self == ReleaseSelection(until_ms=self.until_ms):
            message = (
                "Say which releases you mean: those of a package or an organization, of an "
                "account, a token or a trusted publisher, or those since a time."
            )
            raise InvalidRequest(message)
        return self


class SelectedReleases(Struct, frozen=True):
    """Releases in order of package; `next` is the key of the package after which the search goes
    on, empty at the end."""

    releases: tuple[Release, ...]
    next: str = ""


class DecidedReleases(Struct, frozen=True):
    """The releases that were decided on, and the package after which there may be more."""

    releases: tuple[Release, ...]
    next: str = ""


class ReleaseSelections(Struct, frozen=True):
    """Lists and withholds many releases.

    Each release gets a decision and an event of its own, so a repeat continues where the last call
    ended. The owners of an organization get one mail. The same rights are needed as for
    `Moderation`, and a removal raises `second-administrator-needed` where two of them decide.
    """

    registry_authorization: RegistryAuthorization
    second_administrator: SecondAdministrator
    moderation: Moderation
    metadata: MetadataStore
    directory: DirectoryStore
    derived_data: DerivedData
    mail: ReleaseMail
    clock: Clock

    async def account_id(self, name_or_id: str) -> str:
        """Return the id of an account by its name or, after `id:`, by itself, which may be that of
        a deleted one; raise `account-not-found`."""
        if name_or_id.startswith(ACCOUNT_ID_PREFIX):
            return name_or_id.removeprefix(ACCOUNT_ID_PREFIX)
        account = await account_by_name(self.directory, name_or_id)
        if account is None:
            raise account_not_found(name_or_id)
        return account.id

    async def page(
        self, selection: ReleaseSelection, state: State, after: str = "", *, by: Principal
    ) -> SelectedReleases:
        """Return the releases that `decide` would decide on, `MAX_DECIDED_AT_ONCE` at most.

        One page looks through `PACKAGES_SEARCHED` packages after the key `after`.
        """
        verb = STATE_VERBS[state]
        on = selection.require_any().resource
        await self.registry_authorization.require_reviewer(by, verb, "many releases", on)
        return await self._page(selection, lambda entry: entry.state in _CHANGED[state], after)

    async def page_to_erase(
        self, selection: ReleaseSelection, after: str = "", *, by: Principal
    ) -> SelectedReleases:
        """Return releases as `page` does for a removal, and those that were removed before and of
        which something may still be stored."""
        on = selection.require_any().resource
        await self.registry_authorization.require_reviewer(by, "erase", "many releases", on)
        now_ms = self.clock.now_ms()
        return await self._page(selection, lambda entry: _may_be_stored(entry, now_ms), after)

    async def _page(
        self, selection: ReleaseSelection, is_wanted: _IsWanted, after: str
    ) -> SelectedReleases:
        found = list[Release]()
        seen = 0
        last = ""
        async for key, releases in self._packages(selection, is_wanted, after):
            if found and len(found) + len(releases) > MAX_DECIDED_AT_ONCE:
                return SelectedReleases(tuple(found), last)
            found += releases
            seen += 1
            last = key
            if seen >= PACKAGES_SEARCHED:
                return SelectedReleases(tuple(found), last)
        return SelectedReleases(tuple(found))

    async def require_decider(
        self, selection: ReleaseSelection, state: State, *, by: Principal
    ) -> None:
        """Raise unless `by` may decide on all releases that are selected."""
        self._require_no_second(state, by)
        verb = STATE_VERBS[state]
        what = "many releases"
        if state is State.REMOVED:
            await self.registry_authorization.require_fresh(by, verb, what)
        else:
            await self.registry_authorization.require_moderator(by, verb, what, selection.resource)

    async def decide(
        self,
        selection: ReleaseSelection,
        state: State,
        reason: str,
        public: PublicReason | None = None,
        after: str = "",
        *,
        by: Principal,
    ) -> DecidedReleases:
        """Quarantine or remove what `page` lists, with one reason."""
        await self.require_decider(selection, state, by=by)
        selected = await self.page(selection, state, after, by=by)
        decided = await self.decide_all(
            [each.coordinate for each in selected.releases], state, reason, public, by=by
        )
        return DecidedReleases(decided, selected.next)

    async def decide_all(
        self,
        coordinates: Sequence[Coordinate],
        state: State,
        reason: str,
        public: PublicReason | None = None,
        *,
        by: Principal,
    ) -> tuple[Release, ...]:
        """Decide on these releases, and send their owners one mail for each organization."""
        self._require_no_second(state, by)
        decision = Decision(state, reason, public)
        changed = list[Release]()
        decided = list[Release]()
        try:
            for start in range(0, len(coordinates), DECIDED_TOGETHER):
                together = coordinates[start : start + DECIDED_TOGETHER]
                for release, is_changed in await self._decide_together(together, decision, by):
                    decided.append(release)
                    changed += [release] if is_changed else []
        finally:  # Decisions that are stored stay, even if a store failed afterwards.
            await self.mail.send_decisions(changed)
        return tuple(decided)

    def _require_no_second(self, state: State, by: Principal) -> None:
        if state is State.REMOVED and self.second_administrator.must_confirm(by):
            why = (
                "Another one confirms each removal. Quarantine these releases, which waits "
                "for nobody, and remove them one by one on their pages."
            )
            raise second_administrator_needed(why)

    async def _decide_together(
        self, coordinates: Sequence[Coordinate], decision: Decision, by: Principal
    ) -> Sequence[tuple[Release, bool]]:
        async def decide(coordinate: Coordinate) -> tuple[Release, bool]:
            release, is_changed = await self.moderation.decide(coordinate, decision, by=by)
            await self.derived_data.update(release)
            return release, is_changed

        return await gather_all(*map(decide, coordinates))

    async def _packages(
        self, selection: ReleaseSelection, is_wanted: _IsWanted, after: str
    ) -> AsyncGenerator[tuple[str, list[Release]]]:
        """Yield the key of each package that was looked at, with its releases that match."""
        async for packages in self._batches(selection, after):
            for survey in await self.metadata.survey(packages):
                if survey is None:
                    continue
                # Releases are read only of packages with an entry that matches; most have none.
                wanted = {
                    entry.version
                    for entry in survey.entries
                    if is_wanted(entry) and selection.contains_time(entry.created_ms)
                }
                releases = await self.metadata.releases(survey.head.package) if wanted else []
                matching = [
                    each for each in releases if each.version in wanted and selection.contains(each)
                ]
                yield survey.head.key, matching

    async def _batches(
        self, selection: ReleaseSelection, after: str
    ) -> AsyncGenerator[list[Package]]:
        if isinstance(package := selection.resource, Package):
            yield [package]
            return
        batches = package_batches(
            self.metadata, RECORDS_AT_ONCE, prefix=selection.prefix, after=after
        )
        async for heads in batches:
            yield [head.package for head in heads]


def _may_be_stored(entry: ReleaseEntry, now_ms: int) -> bool:
    """Check whether an erasure may find something of a release: an archive, or copies of it."""
    if entry.state is not State.REMOVED:
        return entry.state in _CHANGED[State.REMOVED]
    return entry.erased is None or (entry.erased.copies_until_ms or 0) > now_ms
