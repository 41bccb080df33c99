"""Moves of names of organizations between this registry and its upstreams."""

from collections import Counter

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest
from shared.domain.mirror_rules import HERE, apply_mirror_rules
from shared.domain.names import OrgName
from shared.domain.organizations import (
    NameOwner,
    Organization,
    name_owner_place,
    organization_place,
)
from shared.domain.packages import Head
from shared.domain.principals import OPERATOR
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import State
from shared.domain.releases import with_change
from shared.domain.visibility import Visibility
from shared.ports.directory import DirectoryStore
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.mail import DecisionMail
from shared.services.mirroring.mirror_rules import MirrorRuleApplication
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.name_owners import OURS


class NameMove(Struct, frozen=True):
    """The plan of a move, or its outcome. Owners are `OURS`, names of upstreams, or None for
    nobody."""

    org: str
    before: str | None
    after: str
    packages: int
    withheld: int  # Releases of the side before.
    restored: int  # Releases of the new side, which an earlier move withheld.


class NameMoves(Struct, frozen=True):
    """Moves names for the operator. A move may be repeated, and a repeat finishes one that was
    interrupted."""

    reader: UpstreamReader
    application: MirrorRuleApplication
    directory: DirectoryStore
    audited_writer: AuditedWriter
    decision_mail: DecisionMail

    async def dry_run(self, org: OrgName, target: str) -> NameMove:
        """Return the plan of a move to another side: `here`, or the name of an upstream; raise
        `InvalidRequest` for an unknown one."""
        upstreams = self.reader.upstreams
        after = OURS if target == HERE else target
        if after != OURS and await upstreams.find(after) is None:
            names = ", ".join(each.name for each in await upstreams.sources())
            message = f"A name is moved to {HERE} or to an upstream: {names}. {target[:100]!r} is "
            raise InvalidRequest(message + "none. Add it to the list of upstreams first.")
        before = await self.reader.owners.stored_owner(org)
        rules = await upstreams.stored_rules()
        now_ms = self.reader.clock.now_ms()
        heads = await self.application.heads(org)
        changed = Counter[State]()
        for head in heads:
            for old in await self.application.metadata.releases(head.package):
                new = apply_mirror_rules(rules, old, after, now_ms=now_ms)
                changed[new.state] += new is not old
        withheld = changed[State.QUARANTINED]
        restored = changed[State.LIVE]
        return NameMove(org, before, after, len(heads), withheld, restored)

    async def move(self, org: OrgName, target: str, reason: str) -> NameMove:
        """Give the name to another side, as `dry_run` plans it, and tell the owners of one of ours.

        Releases of the side before are withheld and keep their digests; their versions are never
        used again.
        """
        reason = parse_required_reason(reason, f"the move of {org}")
        plan = await self.dry_run(org, target)
        # Nobody publishes in it from now on, and nothing of the old side is served before the
        # new one is asked. The owner is the commit; the rest may be repeated.
        if plan.after != OURS:
            await self._mark(org, plan.after)
        await self.application.apply_to(org, plan.after)
        await self._set_owner(org, plan, reason)
        self.reader.owners.forget(org)
        await self._set_heads(org, plan.after)
        if plan.after == OURS:
            await self._mark(org, plan.after)
        # Again, for what was published or fetched meanwhile.
        await self.application.apply_to(org, plan.after)
        if plan.before != plan.after:
            what = f"the name {org} was moved to {plan.after or HERE}"
            await self.decision_mail.send_to_organization(org, what, reason)
        return plan

    @retried_when_stale
    async def _mark(self, org: OrgName, upstream: str) -> None:
        """Note in the organization, if there is one, which registry has its name."""
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None or organization.upstream == upstream:
            return
        details = {"upstream_before": organization.upstream, "upstream_after": upstream}
        change = EntityChange("organization.changed", org, org=org, details=details)
        changed = organization.model_copy(update={"upstream": upstream})
        await self.audited_writer.replace(changed, change=change, by=OPERATOR)

    @retried_when_stale
    async def _set_owner(self, org: OrgName, plan: NameMove, reason: str) -> None:
        known = await self.directory.get(NameOwner, name_owner_place(org))
        if known is not None and known.upstream == plan.after:
            return
        details = {
            "before": HERE if plan.before == OURS else plan.before or "nobody",
            "after": plan.after or HERE,
            "withheld": str(plan.withheld),
            "reason": reason,
        }
        change = EntityChange("name.moved", org, org=org, details=details)
        since_ms = self.reader.clock.now_ms()
        owner = NameOwner(org=org, upstream=plan.after, since_ms=since_ms)
        await self.audited_writer.put(owner, stored=known, change=change, by=OPERATOR)

    async def _set_heads(self, org: OrgName, upstream: str) -> None:
        """Give the names of packages to the new side, except those of private packages: an upstream
        never fills a package that only members may see."""
        now_ms = self.reader.clock.now_ms()

        def decide(head: Head) -> Head:
            if head.upstream == upstream or (upstream and head.visibility is Visibility.PRIVATE):
                return head
            return with_change(head, "package.moved", by=OPERATOR, now_ms=now_ms, upstream=upstream)

        for head in await self.application.heads(org):
            await self.application.package_records.change_package(head.package, decide)
