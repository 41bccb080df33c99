"""Roles by the groups of identity providers: their rules, and how accounts get and lose them.

The groups of an identity are stored with it at each sign-in and, of providers that say them between
sign-ins, at each renewal of a session. Roles follow from the stored groups and the rules alone, so
every change may be repeated, and the next renewal completes one that a crash stopped.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.auth.authorization import Administration
from shared.auth.identity_providers import IdentityProvider, VerifiedIdentity
from shared.domain.access import GroupRole, Membership, member_place
from shared.domain.accounts import (
    ROLE_PREFIX,
    Identity,
    Organization,
    identity_place,
    organization_place,
)
from shared.domain.errors.identity import organization_not_found
from shared.domain.group_rules import GROUP_RULES_PLACE, GroupRules, holds_until
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.records import Place
from shared.ports import Clock, DirectoryStore
from shared.runtime.retries import retried_when_stale
from shared.services.administration.administration import Administrators
from shared.services.identity.accounts import account_names
from shared.services.records import EntityChange, RecordWriter, entity_batches

GROUPS = Principal(id="groups", credential="groups")  # The actor of what groups change.

_WHAT = "the rules about groups"
_IDENTITIES_AT_ONCE = 200
_MOST_IN_AN_EVENT = 4_000  # Characters: events are read by the page.


class RolesByGroups(Struct, frozen=True):
    """Gives accounts what their groups give, and ends what they gave before."""

    directory: DirectoryStore
    record_writer: RecordWriter
    administrators: Administrators
    clock: Clock
    providers: Mapping[str, IdentityProvider]
    hold: timedelta
    entra_groups: bool
    oidc_groups_claim: str

    async def rules(self) -> GroupRules:
        return await self.directory.get(GroupRules, GROUP_RULES_PLACE) or GroupRules()

    async def signed_in(self, verified: VerifiedIdentity) -> None:
        """Store the groups of a person who signs in, and apply them; what is stored stands where
        the provider does not say them."""
        if verified.groups is None:
            return
        place = identity_place(verified.issuer, verified.identifier)
        identity = await self._store_groups(place, verified.groups, has_roles=True)
        if identity is not None:
            others = await self._identities(identity.account)
            await self._apply(
                identity.account, [identity, *(e for e in others if e.place != place)]
            )

    async def renew(self, account_id: str) -> None:
        """Read the groups of an account again, of providers that say them without a sign-in, and
        apply them."""
        if not (self.entra_groups or self.oidc_groups_claim):
            return
        found = await self._identities(account_id)
        await self._apply(account_id, [await self._refreshed(each) for each in found])

    async def _identities(self, account_id: str) -> list[Identity]:
        listed = await self.directory.list_by_subject(Identity, account_id)
        # The list may lag behind, so the records are read.
        read = await asyncio.gather(*(self.directory.get(Identity, e.place) for e in listed))
        return [each for each in read if each is not None]

    async def _refreshed(self, identity: Identity) -> Identity:
        provider = self.providers.get(identity.provider)
        if provider is None or identity.groups_ms is None:
            return identity
        groups = await provider.groups_of(identity.identifier)
        if groups is None:
            return identity
        return await self._store_groups(identity.place, groups, has_roles=False) or identity

    async def _apply(self, account_id: str, identities: Sequence[Identity]) -> None:
        """Bring the roles of an account up to date."""
        rules, memberships = await asyncio.gather(
            self.rules(), self.directory.list_by_subject(Membership, account_id)
        )
        granted = rules.roles_of(identities, self.hold)
        had = {each.org.lower() for each in memberships if each.group is not None}
        for org in sorted(had | set(granted.roles)):
            await self._set_role(OrgName(org), account_id, granted.roles.get(org))
        await self.administrators.set_by_groups(account_id, granted.account, by=GROUPS)

    @retried_when_stale
    async def _store_groups(
        self, place: Place, groups: tuple[str, ...], *, has_roles: bool
    ) -> Identity | None:
        """Store the groups unless they are; `has_roles` says whether app roles are among them."""
        identity = await self.directory.get(Identity, place)
        if identity is None:
            return None
        roles = [] if has_roles else [e for e in identity.groups if e.startswith(ROLE_PREFIX)]
        now_ms = self.clock.now_ms()
        changed = identity.model_copy(
            update={
                "groups": tuple(sorted({*groups, *roles})),
                "groups_ms": now_ms,
                "roles_ms": now_ms if has_roles else identity.roles_ms,
            }
        )
        if self._is_as_good(identity, changed):
            return identity
        return await self.directory.replace(changed)

    def _is_as_good(self, stored: Identity, changed: Identity) -> bool:
        """Check whether the stored groups give the same roles for as long."""
        ends = [
            (holds_until(each.groups_ms or 0, self.hold), holds_until(each.roles_ms, self.hold))
            for each in (stored, changed)
        ]
        is_known = stored.groups_ms is not None
        return is_known and stored.groups == changed.groups and ends[0] == ends[1]

    @retried_when_stale
    async def _set_role(self, org: OrgName, account_id: str, wanted: GroupRole | None) -> None:
        stored = await self.directory.get(Membership, member_place(org, account_id))
        current = stored.at(self.clock.now_ms()) if stored else None
        if current is None:
            await self._add_member(org, account_id, wanted, stored)
            return
        changed = current.with_group_role(wanted)
        if changed is not None and changed.group == current.group:
            return
        change = _change(current, changed)
        if changed is None:
            await self.record_writer.remove(current, change=change, by=GROUPS)
        elif change.details["before"] == change.details["after"]:
            await self.directory.replace(changed)  # It holds longer.
        else:
            await self.record_writer.replace(changed, change=change, by=GROUPS)

    async def _add_member(
        self, org: OrgName, account_id: str, wanted: GroupRole | None, ended: Membership | None
    ) -> None:
        """Add a member; `ended` is the record of an ended membership."""
        if wanted is None:
            return
        now_ms = self.clock.now_ms()
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None or organization.is_deleted_at(now_ms):
            return
        new = Membership(
            org=organization.name,
            account=account_id,
            role=wanted.role,
            since_ms=now_ms,
            group=wanted,
        )
        change = _change(None, new)
        if ended is None:
            await self.record_writer.add(new, change=change, by=GROUPS)
            return
        kept = {"revision": ended.revision, "outbox": ended.outbox}
        await self.record_writer.replace(new.model_copy(update=kept), change=change, by=GROUPS)


def _change(before: Membership | None, after: Membership | None) -> EntityChange:
    [one, *_] = [each for each in (after, before) if each is not None]
    details = {
        "account": one.account,
        "before": before.role.value if before else "",
        "after": after.role.value if after else "",
        "groups": ", ".join(one.group.groups)[:_MOST_IN_AN_EVENT] if one.group else "",
    }
    kind = "member.set" if after else "member.removed"
    return EntityChange(kind, one.org, org=one.org, account=one.account, details=details)


class GroupRuleEffect(Struct, frozen=True):
    """An account for which other rules decide otherwise: about a role in an organization, or about
    `(administrator)` or `(staff)`; empty texts for nothing."""

    account: str
    target: str
    now: str
    then: str


class GroupRuleDryRun(Struct, frozen=True):
    """Who would get what by other rules, of all accounts whose groups are known."""

    effects: tuple[GroupRuleEffect, ...]
    accounts_read: int
    unknown_groups: tuple[str, ...]  # Groups of the rules that nobody is known to be in.


class GroupRuleChanges(Struct, frozen=True):
    """Shows and changes the rules; a change takes an administrator who signed in recently.

    A change is applied to each account at its next sign-in or renewal.
    """

    directory: DirectoryStore
    administration: Administration
    roles_by_groups: RolesByGroups
    record_writer: RecordWriter

    async def current(self, *, by: Principal) -> GroupRules:
        """Return the stored rules to an administrator."""
        await self.administration.require(by, "look at", _WHAT)
        return await self.roles_by_groups.rules()

    async def dry_run(self, wanted: GroupRules, *, by: Principal) -> GroupRuleDryRun:
        """Compare the wanted rules with the stored ones over all accounts; nothing is changed."""
        now = await self.current(by=by)
        await self._require_organizations(wanted)
        named = {rule.group for rules in (now, wanted) for rule in rules.rules}
        people = defaultdict[str, list[Identity]](list)
        async for batch in entity_batches(self.directory, Identity, _IDENTITIES_AT_ONCE):
            for each in batch:
                # Others are left out: thousands of people may have hundreds of groups each.
                kept = tuple(group for group in each.groups if group in named)
                if each.groups_ms is not None:
                    people[each.account].append(each.model_copy(update={"groups": kept}))
        effects = list[GroupRuleEffect]()
        for account, identities in people.items():
            before, after = (self._granted(each, identities) for each in (now, wanted))
            effects += [
                GroupRuleEffect(account, org, before.get(org, ""), after.get(org, ""))
                for org in sorted({*before, *after})
                if before.get(org) != after.get(org)
            ]
        names = await account_names(self.directory, [each.account for each in effects])
        named_effects = [
            GroupRuleEffect(names.get(e.account, e.account), e.target, e.now, e.then)
            for e in effects
        ]
        named_effects.sort(key=lambda each: (each.account.lower(), each.target))
        unknown = wanted.unknown_groups([each for found in people.values() for each in found])
        return GroupRuleDryRun(tuple(named_effects), len(people), unknown)

    async def replace(self, wanted: GroupRules, *, by: Principal) -> GroupRules:
        """Store the wanted rules; raise `organization-not-found` for one that names none."""
        await self.administration.require_fresh(by, "change", _WHAT)
        await self._require_organizations(wanted)
        return await self._store(wanted, by)

    @retried_when_stale
    async def _store(self, wanted: GroupRules, by: Principal) -> GroupRules:
        stored = await self.roles_by_groups.rules()
        changed = stored.with_wanted(wanted, now_ms=self.record_writer.clock.now_ms())
        details = {"before": _text(stored), "after": _text(changed)}
        change = EntityChange("groups.rules", "groups", details=details)
        is_first = stored.changed_ms is None
        write = self.record_writer.add if is_first else self.record_writer.replace
        return await write(changed, change=change, by=by)

    def _granted(self, rules: GroupRules, identities: Sequence[Identity]) -> Mapping[str, str]:
        return rules.roles_of(identities, self.roles_by_groups.hold).granted

    async def _require_organizations(self, wanted: GroupRules) -> None:
        orgs = sorted({rule.target for rule in wanted.rules if rule.role})
        now_ms = self.record_writer.clock.now_ms()
        found = await asyncio.gather(
            *(self.directory.get(Organization, organization_place(each)) for each in orgs)
        )
        for org, organization in zip(orgs, found, strict=True):
            if organization is None or organization.is_deleted_at(now_ms):
                raise organization_not_found(OrgName(org))


def _text(rules: GroupRules) -> str:
    return "; ".join(map(str, rules.rules))[:_MOST_IN_AN_EVENT]
