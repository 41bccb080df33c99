"""Moves the name of an organization between this registry and its upstreams."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.domain.errors.base import InvalidRequest
from shared.domain.identity import OPERATOR
from shared.domain.mirror_rules import HERE, apply_mirror_rules
from shared.domain.mirroring import NameOwner, name_owner_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, State, Visibility
from shared.domain.releases import with_change
from shared.ports import Clock, DirectoryStore, MetadataStore
from shared.runtime.retries import retried_when_stale
from shared.services.mirroring.mirror_rules import RuleApplication
from shared.services.mirroring.name_owners import OURS, NameOwners
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstreams import Upstreams
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import EntityChange, RecordWriter, package_batches

PACKAGES_READ_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class NameMove:
    """The plan of a move, or its outcome. Owners are `OURS`, names of upstreams, or None for
    nobody."""

    org: str
    before: str | None
    after: str
    packages: int
    withheld: int  # Releases of the side before.
    restored: int  # Releases of the new side, which an earlier move withheld.


@dataclass(frozen=True)
class NameMoves:
    """Moves names for the operator. A move may be repeated, and a repeat finishes one that was
    interrupted."""

    upstreams: Upstreams
    owners: NameOwners
    directory: DirectoryStore
    metadata: MetadataStore
    records: PackageRecordWriter
    rule_application: RuleApplication
    record_writer: RecordWriter
    clock: Clock

    async def dry_run(self, org: OrgName, target: str) -> NameMove:
        """Return the plan of a move to another side: `here`, or the name of an upstream; raise
        `InvalidRequest` for an unknown one."""
        after = "" if target == HERE else target
        if after and await self.upstreams.find(after) is None:
            names = ", ".join(each.name for each in await self.upstreams.sources())
            message = f"A name is moved to {HERE} or to an upstream: {names}. {target[:100]!r} is "
            raise InvalidRequest(message + "none. Add it to the list of upstreams first.")
        before, rules = await self.owners.stored_owner(org), await self.upstreams.stored_rules()
        packages, changed, now_ms = 0, list[State](), self.clock.now_ms()
        async for head in self._heads(org):
            packages += 1
            for old in await self.metadata.releases(head.package):
                new = apply_mirror_rules(rules, old, after, by=MIRROR, now_ms=now_ms)
                changed += [new.state] if new is not old else []
        withheld, restored = changed.count(State.QUARANTINED), changed.count(State.LIVE)
        return NameMove(org, before, after, packages, withheld, restored)

    async def move(self, org: OrgName, target: str) -> NameMove:
        """Give the name to another side, as `dry_run` plans it.

        Releases of the side before are withheld and keep their digests; their versions are never
        used again.
        """
        plan = await self.dry_run(org, target)
        # Nobody publishes in it from now on, and nothing of the old side is served before the
        # new one is asked. The owner is the commit; the rest may be repeated.
        if plan.after != OURS:
            await self._mark(org, plan.after)
        await self.rule_application.apply_to(org, plan.after)
        await self._set_owner(org, plan)
        self.owners.forget(org)
        await self._set_heads(org, plan.after)
        if plan.after == OURS:
            await self._mark(org, plan.after)
        # Again, for what was published or fetched meanwhile.
        await self.rule_application.apply_to(org, plan.after)
        return plan

    async def _heads(self, org: OrgName) -> AsyncIterator[Head]:
        prefix = f"{org.lower()}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for head in heads:
                yield head

    @retried_when_stale
    async def _mark(self, org: OrgName, upstream: str) -> None:
        """Note in the organization, if there is one, which registry has its name."""
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None or organization.upstream == upstream:
            return
        details = {"upstream_before": organization.upstream, "upstream_after": upstream}
        change = EntityChange("organization.changed", org, org=org, details=details)
        changed = organization.model_copy(update={"upstream": upstream})
        await self.record_writer.replace(changed, change=change, by=OPERATOR)

    @retried_when_stale
    async def _set_owner(self, org: OrgName, plan: NameMove) -> None:
        known = await self.directory.get(NameOwner, name_owner_place(org))
        if known is not None and known.upstream == plan.after:
            return
        details = {
            "before": HERE if plan.before == OURS else plan.before or "nobody",
            "after": plan.after or HERE,
            "withheld": str(plan.withheld),
        }
        change = EntityChange("name.moved", org, org=org, details=details)
        since_ms = self.clock.now_ms()
        if known is not None:
            changed = known.model_copy(update={"upstream": plan.after, "since_ms": since_ms})
            await self.record_writer.replace(changed, change=change, by=OPERATOR)
            return
        owner = NameOwner(org=org, upstream=plan.after, since_ms=since_ms)
        await self.record_writer.add(owner, change=change, by=OPERATOR)

    async def _set_heads(self, org: OrgName, upstream: str) -> None:
        """Give the names of packages to the new side, except those of private packages: an upstream
        never fills a package that only members may see."""
        now_ms = self.clock.now_ms()

        def decide(head: Head) -> Head:
            if head.upstream == upstream or (upstream and head.visibility is Visibility.PRIVATE):
                return head
            return with_change(head, "package.moved", by=OPERATOR, now_ms=now_ms, upstream=upstream)

        async for head in self._heads(org):
            await self.records.change_package(head.package, decide)
