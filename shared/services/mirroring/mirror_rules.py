"""Changes of the upstreams and rules of the mirror, and what a change would have done to the pulls
of the last month. Stored releases that the rules or the owner of their name no longer allow are
withheld, and served again when both do.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.authorization import Administration
from shared.domain.identity import Principal
from shared.domain.mirror_rules import (
    MirrorDraft,
    MirrorRule,
    MirrorRules,
    Verdict,
    apply_mirror_rules,
)
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.packages import Head, Release, ReleaseEntry, State, Survey
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import Clock, MetadataStore, PullLedger
from shared.runtime.retries import retried_when_stale
from shared.services.mirroring.name_owners import NameOwners
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstreams import Upstreams
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.packages.pulls import utc_day
from shared.services.records import EntityChange, RecordWriter, package_batches

DRY_RUN_PERIOD = timedelta(days=30)
PACKAGES_READ_AT_ONCE = 100

_WHAT = "the upstream registries and their rules"
_SERVED = "served"
_MOST_IN_AN_EVENT = 4_000  # Characters: events are read by the page.


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """A stored release for which a change decides otherwise: its pulls of the last month, what
    happens to it now, and what would."""

    release: str
    pulls: int
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class RuleConflict:
    """A rule that has no effect on an organization, because its name belongs to another side."""

    rule: MirrorRule
    owner: str  # Empty: this registry.


@dataclass(frozen=True, slots=True)
class RuleDryRun:
    """The effects of a change of the rules, those with the most pulls first."""

    effects: tuple[RuleEffect, ...]
    conflicts: tuple[RuleConflict, ...]
    releases_read: int

    @property
    def pulls(self) -> int:
        """The pulls of the last month that would have ended otherwise."""
        return sum(each.pulls for each in self.effects)


@dataclass(frozen=True)
class RuleApplication:
    """Applies the rules to stored releases. Every change may be repeated, and stopped anywhere."""

    upstreams: Upstreams
    owners: NameOwners
    metadata: MetadataStore
    records: PackageRecordWriter
    clock: Clock

    async def apply(self) -> TaskReport:
        """Withhold and restore releases of all packages that upstreams have or had. Packages that
        are ours alone are not read."""
        rules, seen, changed = await self.upstreams.stored_rules(), 0, 0
        owners = {each.org.lower(): each.upstream for each in await self.owners.all()}
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            packages = [each.package for each in heads if each.upstream or owners.get(_org(each))]
            surveys = await self.metadata.survey(packages) if packages else []
            for survey in filter(None, surveys):
                seen += 1
                changed += await self._apply_to(survey, rules, owners.get(_org(survey.head)))
        return TaskReport(seen, changed)

    async def apply_to(self, org: OrgName, owner: str) -> None:
        """Withhold and restore releases of an organization for an owner of its name."""
        rules, prefix = await self.upstreams.stored_rules(), f"{org.lower()}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for head in heads:
                for release in await self.metadata.releases(head.package):
                    await self._change(release.coordinate, rules, owner)

    async def _apply_to(self, survey: Survey, rules: MirrorRules, owner: str | None) -> int:
        """Read only releases that may have to change: a registry has many that need not."""
        head = survey.head
        is_moved = owner is not None and owner != head.upstream
        is_denied = rules.choose(head.package).verdict is Verdict.DENIED
        changed = 0
        for entry in survey.entries:
            refused = bool(head.upstream) and (is_denied or rules.is_frozen(entry.created_ms))
            if _may_change(entry, is_refused=refused or is_moved):
                coordinate = head.package.at(entry.parsed)
                changed += await self._change(coordinate, rules, owner)
        return changed

    async def _change(self, coordinate: Coordinate, rules: MirrorRules, owner: str | None) -> bool:
        now_ms = self.clock.now_ms()

        def decide(_head: Head, release: Release) -> Release:
            return apply_mirror_rules(rules, release, owner, by=MIRROR, now_ms=now_ms)

        release, is_changed = await self.records.store_release(coordinate, decide)
        if is_changed:
            await self.records.derived_data.update(release)
        return is_changed


def _org(head: Head) -> str:
    return head.org.lower()


def _may_change(entry: ReleaseEntry, *, is_refused: bool) -> bool:
    if is_refused:
        return entry.state in (State.LIVE, State.HELD)
    return entry.state is State.QUARANTINED


@dataclass(frozen=True)
class RuleChanges:
    """Shows and changes the rules; a change takes an administrator who signed in recently."""

    administration: Administration
    upstreams: Upstreams
    owners: NameOwners
    metadata: MetadataStore
    pulls: PullLedger
    rule_application: RuleApplication
    record_writer: RecordWriter
    clock: Clock

    async def current(self, *, by: Principal) -> MirrorRules:
        """Return the stored rules to an administrator."""
        await self.administration.require(by, "look at", _WHAT)
        return await self.upstreams.stored_rules()

    async def dry_run(self, draft: MirrorDraft, *, by: Principal) -> RuleDryRun:
        """Compare the draft with the stored rules over all stored releases of upstreams; the cost
        grows with the number of their packages."""
        now = await self.current(by=by)
        then = now.with_draft(draft, now_ms=self.clock.now_ms())
        effects, seen = list[RuleEffect](), 0
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            mirrored = [head.package for head in heads if head.upstream]
            surveys = await self.metadata.survey(mirrored) if mirrored else []
            for survey in filter(None, surveys):
                seen += len(survey.entries)
                effects += await self._effects(survey, now, then)
        effects.sort(key=lambda each: (-each.pulls, each.release))
        return RuleDryRun(tuple(effects), await self._conflicts(then), seen)

    async def replace(self, draft: MirrorDraft, *, by: Principal) -> MirrorRules:
        """Store the draft. Other processes follow within five seconds, and stored releases that it
        denies are withheld before this returns; a task repeats that after a crash."""
        await self.administration.require_fresh(by, "change", _WHAT)
        rules = await self._store(draft, by)
        self.upstreams.invalidate()
        await self.rule_application.apply()
        return rules

    @retried_when_stale
    async def _store(self, draft: MirrorDraft, by: Principal) -> MirrorRules:
        stored = await self.upstreams.stored_rules()
        changed = stored.with_draft(draft, now_ms=self.clock.now_ms())
        details = {**_details("before", stored), **_details("after", changed)}
        change = EntityChange("mirror.rules", "mirror", details=details)
        if stored.revision:
            return await self.record_writer.replace(changed, change=change, by=by)
        first = changed.model_copy(update={"revision": 1})
        return await self.record_writer.add(first, change=change, by=by)

    async def _effects(
        self, survey: Survey, now: MirrorRules, then: MirrorRules
    ) -> Sequence[RuleEffect]:
        package = survey.head.package
        differing = [
            (entry, pair)
            for entry in survey.entries
            if entry.state in (State.LIVE, State.QUARANTINED)
            and len(set(pair := (_outcome(now, package, entry), _outcome(then, package, entry))))
            > 1
        ]
        if not differing:
            return ()
        pulls = await self._pulls(package)
        return [
            RuleEffect(f"{package}:{entry.version}", pulls[entry.version], *pair)
            for entry, pair in differing
        ]

    async def _pulls(self, package: Package) -> Counter[str]:
        since = utc_day(self.clock.now_ms() - DRY_RUN_PERIOD // MS)
        history = await self.pulls.history(package, since=since)
        totals = Counter[str]()
        for versions in history.days.values():
            totals.update(versions)
        return totals

    async def _conflicts(self, rules: MirrorRules) -> tuple[RuleConflict, ...]:
        """Return the rules about one organization whose name has another owner."""
        found = list[RuleConflict]()
        for rule in (*rules.rules, *rules.default_rules):
            if rule.upstream and rule.organization:
                owner = await self.owners.stored_owner(OrgName(rule.organization))
                if owner is not None and owner != rule.upstream:
                    found.append(RuleConflict(rule, owner))
        return tuple(found)


def _outcome(rules: MirrorRules, package: Package, entry: ReleaseEntry) -> str:
    choice = rules.choose(package)
    if choice.verdict is Verdict.DENIED:
        return f"denied by `{choice.rule}`"
    return f"later than {rules.frozen_text}" if rules.is_frozen(entry.created_ms) else _SERVED


def _details(when: str, rules: MirrorRules) -> dict[str, str]:
    return {
        f"upstreams_{when}": ", ".join(each.url for each in rules.upstreams),
        f"rules_{when}": "; ".join(map(str, rules.rules))[:_MOST_IN_AN_EVENT],
        f"frozen_{when}": rules.frozen_text,
    }
