"""Changes of the upstreams and rules of the mirror, and what a change would have done to the pulls
of the last month.

Stored releases that the rules or the owner of their name no longer allow are withheld, and served
again when both do.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import about_field
from shared.domain.errors.packages import ReleaseNotFound, UpstreamReleaseRefused
from shared.domain.mirror_rules import MirrorRules, apply_mirror_rules, removed_rules
from shared.domain.mirroring import stored_since
from shared.domain.names import OrgName
from shared.domain.packages import Head, Release, Survey
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import SERVABLE, State
from shared.domain.tasks import TaskReport
from shared.domain.times import MS, parse_time, utc_text
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import PullLedger
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import EXACT_CLIENT, UpstreamReader
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.packages.pull_counter import utc_day
from shared.services.record_batches import PACKAGES_READ_AT_ONCE, package_batches

DRY_RUN_PERIOD = timedelta(days=30)

_WHAT = "the upstream registries and their rules"
_MOST_IN_AN_EVENT = 4_000  # Characters. Events are read in pages, so they are kept short.


class ChangedDecision(Struct, frozen=True):
    """A stored release for which a change decides otherwise: its pulls of the last month, what
    happens to it now, and what would."""

    release: str
    pulls: int
    now: str
    then: str


class MirrorRuleDryRun(Struct, frozen=True):
    """The effects of a change of the rules, those with the most pulls first, and the upstreams,
    rules and minimum ages that it removes."""

    effects: tuple[ChangedDecision, ...]
    releases_read: int
    removed: tuple[str, ...] = ()

    @property
    def pulls(self) -> int:
        """The pulls of the last month that would have ended otherwise."""
        return sum(each.pulls for each in self.effects)


class ChangedMirrorRules(Struct, frozen=True):
    """The rules after a change, and the upstreams, rules and minimum ages that it removed."""

    rules: MirrorRules
    removed: tuple[str, ...]


ChangeRules = Callable[[MirrorRules], MirrorRules]


class MirrorRuleApplication(Struct, frozen=True):
    """Applies the rules to stored releases. Every change may be repeated, and stopped anywhere."""

    reader: UpstreamReader
    metadata: MetadataStore
    package_records: PackageRecordWriter

    async def apply(self) -> TaskReport:
        """Withhold and restore releases of all packages that upstreams have or had. Packages that
        are only ours are not read."""
        rules = await self.reader.upstreams.stored_rules()
        seen = 0
        changed = 0
        owners = {each.org.lower(): each.upstream for each in await self.reader.owners.all()}
        async for survey in self.surveys(owners):
            seen += 1
            changed += await self._apply_to(survey, rules, owners.get(survey.head.org.lower()))
        return TaskReport(seen, changed)

    async def apply_to(self, org: OrgName, owner: str) -> None:
        """Withhold and restore releases of an organization for an owner of its name."""
        rules = await self.reader.upstreams.stored_rules()
        for head in await self.heads(org):
            for release in await self.metadata.releases(head.package):
                await self.apply_to_release(release.coordinate, rules, owner)

    async def surveys(self, owners: Mapping[str, str]) -> AsyncIterator[Survey]:
        """Yield the packages of upstreams, and those of organizations whose owner is one."""
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            theirs = [e.package for e in heads if e.upstream or owners.get(e.org.lower())]
            for survey in await self.metadata.survey(theirs) if theirs else []:
                if survey:
                    yield survey

    async def heads(self, org: OrgName) -> list[Head]:
        """Return the packages of an organization."""
        prefix = f"{org.lower()}/"
        batches = package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix)
        return [head async for heads in batches for head in heads]

    async def _apply_to(self, survey: Survey, rules: MirrorRules, owner: str | None) -> int:
        """Read only releases that may have to change: a registry has many that need not."""
        head = survey.head
        now_ms = self.reader.clock.now_ms()
        changed = 0
        rule = rules.rule(head.package)
        age = rules.age_rule(head.package, head.upstream)
        is_moved = owner is not None and owner != head.upstream
        is_refused = is_moved or (rule is not None and rule.denies)
        newest_ms = age.newest_ms(now_ms) if age else now_ms
        for entry in survey.entries:
            # What changed here last before that time was stored then, so it is older.
            may_be_young = (entry.changed_ms or entry.created_ms) > newest_ms
            is_servable = entry.state in SERVABLE
            is_withheld = entry.state is State.QUARANTINED
            if (is_servable and (is_refused or may_be_young)) or (is_withheld and not is_refused):
                coordinate = head.package.at(entry.parsed)
                changed += await self.apply_to_release(coordinate, rules, owner)
        return changed

    async def apply_to_release(
        self, coordinate: Coordinate, rules: MirrorRules, owner: str | None
    ) -> bool:
        """Withhold or restore one release; return whether that changed it."""
        now_ms = self.reader.clock.now_ms()
        known = await self.reader.pins.known(coordinate)

        def decide(_head: Head, release: Release) -> Release:
            since_ms = stored_since(known, release.created_ms)
            return apply_mirror_rules(
                rules, release, owner, now_ms=now_ms, public_since_ms=since_ms
            )

        release, is_changed = await self.package_records.store_release(coordinate, decide)
        if is_changed:
            await self.package_records.derived_data.update(release)
        return is_changed


class MirrorRuleChanges(Struct, frozen=True):
    """Shows and changes the rules; a change takes an administrator who signed in recently."""

    registry_authorization: RegistryAuthorization
    reader: UpstreamReader
    application: MirrorRuleApplication
    pulls: PullLedger
    audited_writer: AuditedWriter

    async def current(self, *, by: Principal) -> MirrorRules:
        """Return the stored rules to an administrator or auditor."""
        await self.registry_authorization.require_auditor(by, "look at", _WHAT)
        return await self.reader.upstreams.stored_rules()

    async def dry_run(self, wanted: MirrorRules, *, by: Principal) -> MirrorRuleDryRun:
        """Compare the wanted rules with the stored ones, as `preview` does."""
        return await self.preview(lambda _stored: wanted, by=by)

    async def preview(self, apply: ChangeRules, *, by: Principal) -> MirrorRuleDryRun:
        """Compare what `apply` makes of the stored rules with these over all stored releases of
        upstreams; the cost grows with the number of their packages."""
        await self.registry_authorization.require(by, "look at", _WHAT)
        now = await self.reader.upstreams.stored_rules()
        then = now.with_wanted(apply(now), now_ms=self.reader.clock.now_ms())
        effects = list[ChangedDecision]()
        seen = 0
        async for survey in self.application.surveys({}):
            seen += len(survey.entries)
            effects += await self._effects(survey, now, then)
        effects.sort(key=lambda each: (-each.pulls, each.release))
        return MirrorRuleDryRun(tuple(effects), seen, tuple(removed_rules(now, then)))

    async def replace(self, wanted: MirrorRules, *, by: Principal) -> None:
        """Store the wanted rules in place of all others, as `change` does."""
        await self.change(lambda _stored: wanted, by=by)

    async def change(self, apply: ChangeRules, *, by: Principal) -> ChangedMirrorRules:
        """Store what `apply` makes of the stored rules, which nobody else changes meanwhile. Other
        processes follow within five seconds, and stored releases that the rules deny are withheld
        before this returns; a task repeats that after a crash."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        changed = await self._store(apply, by)
        self.reader.upstreams.invalidate()
        await self.application.apply()
        return changed

    async def admit(self, coordinate: Coordinate, reason: str, *, by: Principal) -> None:
        """Serve a release of an upstream at any age, such as an urgent fix; the audit log has the
        reason. Raises `reason-missing`, `InvalidRequest`, `ReleaseNotFound` if no upstream has
        it, and `UpstreamUnavailable`."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        with about_field("reason"):
            what = f"serving {coordinate} before it has its minimum age"
            reason = parse_required_reason(reason, what)
        package = coordinate.package
        version = coordinate.version
        with suppress(UpstreamReleaseRefused):  # Its digest is pinned all the same.
            await self.reader.describe(package, version, EXACT_CLIENT, Asker(by))
        known = await self.reader.pins.known(coordinate)
        if known is None:
            raise ReleaseNotFound(package, version)
        await self.reader.pins.admit(known, reason, by=by)
        rules = await self.reader.upstreams.stored_rules()
        owner = await self.reader.owners.stored_owner(package.org)
        with suppress(ReleaseNotFound):  # It is not stored.
            await self.application.apply_to_release(coordinate, rules, owner)

    @retried_when_stale
    async def _store(self, apply: ChangeRules, by: Principal) -> ChangedMirrorRules:
        stored = await self.reader.upstreams.stored_rules()
        changed = stored.with_wanted(apply(stored), now_ms=self.reader.clock.now_ms())
        details = {**_details("before", stored), **_details("after", changed)}
        change = EntityChange("mirror.rules", "mirror", details=details)
        written = await self.audited_writer.put(changed, stored=stored, change=change, by=by)
        return ChangedMirrorRules(written, tuple(removed_rules(stored, written)))

    async def _effects(
        self, survey: Survey, now: MirrorRules, then: MirrorRules
    ) -> Sequence[ChangedDecision]:
        """Return the releases whose pulls would have ended differently: pulls on the days on which
        a release was too young, and for other rules pulls on all days."""
        package = survey.head.package
        now_ms = self.reader.clock.now_ms()
        has_age = any(each.age_rule(package, survey.head.upstream) for each in (now, then))
        known = await self.reader.pins.of_package(package) if has_age else []
        pins = {each.version: each for each in known}
        pulls = None
        effects = list[ChangedDecision]()
        for entry in survey.entries:
            since_ms = stored_since(pins.get(entry.version), entry.created_ms)

            def outcomes(at_ms: int, since_ms: int = since_ms) -> Sequence[str]:
                return [_outcome(each, survey.head, since_ms, at_ms) for each in (now, then)]

            before, after = outcomes(now_ms - DRY_RUN_PERIOD // MS)
            if before == after or entry.state not in (State.LIVE, State.QUARANTINED):
                continue
            pulls = await self._pulls(package) if pulls is None else pulls
            days = [day_ms for day_ms in pulls if len(set(outcomes(day_ms))) > 1]
            counted = sum(pulls[each][entry.version] for each in days)
            if counted or len(set(outcomes(now_ms))) > 1:
                effects.append(
                    ChangedDecision(f"{package}:{entry.version}", counted, before, after)
                )
        return effects

    async def _pulls(self, package: Package) -> Mapping[int, Counter[str]]:
        """Return the pulls of each version by day."""
        since = utc_day(self.reader.clock.now_ms() - DRY_RUN_PERIOD // MS)
        days = (await self.pulls.history(package, since=since)).days
        return {parse_time("day", day): Counter(versions) for day, versions in days.items()}


def _outcome(rules: MirrorRules, head: Head, since_ms: int, at_ms: int) -> str:
    """Return how a pull of a release ends at that time."""
    rule = rules.rule(head.package)
    age = rules.age_rule(head.package, head.upstream)
    if rule and rule.denies:
        return f"denied by `{rule}`"
    if not age or since_ms <= age.newest_ms(at_ms):
        return "served"
    end_ms = age.served_from_ms(since_ms)
    return f"refused by `{age}`" + (f" until {utc_text(end_ms)}" if end_ms else "")


def _details(when: str, rules: MirrorRules) -> dict[str, str]:
    return {
        f"upstreams_{when}": ", ".join(each.url for each in rules.upstreams),
        f"rules_{when}": "; ".join(map(str, rules.rules))[:_MOST_IN_AN_EVENT],
        f"minimum_ages_{when}": "; ".join(map(str, rules.ages))[:_MOST_IN_AN_EVENT],
    }
