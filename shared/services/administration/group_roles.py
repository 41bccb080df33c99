"""Roles by the groups of identity providers: their rules, and how accounts get and lose them.

The groups of an identity are stored with it at each sign-in and, of providers that say them between
sign-ins, at each renewal of a session. Roles follow from nothing but the stored groups and
the rules, so every change may be repeated, and the next renewal completes one that a crash stopped.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.identity_providers import IdentityProvider, VerifiedIdentity
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.directory_locks import DirectoryState
from shared.domain.entities import Place
from shared.domain.group_rules import GROUP_RULES_PLACE, GroupRules
from shared.domain.identities import ROLE_PREFIX, Identity, identity_place
from shared.domain.memberships import GroupRole, Membership, member_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import GROUPS, MAINTENANCE, Principal
from shared.domain.staff import Staff
from shared.domain.times import MS, NO_END_MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.administration.administrators import Administrators
from shared.services.administration.directory_locks import DirectoryLocks
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import existing_organization, require_organization
from shared.services.identity.accounts import account_names
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches

# How long before the end of a role by groups its member is told of that; if roles are held for a
# short time only, half of that time.
LONGEST_NOTICE = timedelta(days=7)

_WHAT = "the rules about groups"
_MOST_IN_AN_EVENT = 4_000  # Characters. Events are read in pages, so they are kept short.


class RoleEnd(Struct, frozen=True):
    """A role by groups, as people read it, and when it ends or has ended unless the provider
    confirms the groups."""

    role: str
    until_ms: int


class EndingRoles(Struct, frozen=True):
    """The roles that an account has by groups; the first to end comes first."""

    account: Account
    roles: tuple[RoleEnd, ...]

    def ended_at(self, now_ms: int) -> tuple[RoleEnd, ...]:
        return tuple(each for each in self.roles if each.until_ms <= now_ms)

    def ending_within(self, now_ms: int, notice: timedelta) -> tuple[RoleEnd, ...]:
        """Return the roles that end within this time and have not ended yet."""
        latest_ms = now_ms + notice // MS
        return tuple(each for each in self.roles if now_ms < each.until_ms <= latest_ms)


class RolesByGroups(Struct, frozen=True):
    """Gives accounts what their groups give, and ends what they gave before."""

    directory: DirectoryStore
    audited_writer: AuditedWriter
    administrators: Administrators
    directory_locks: DirectoryLocks
    mail_delivery: MailDelivery
    clock: Clock
    providers: Mapping[str, IdentityProvider]
    staff: Staff
    hold: timedelta
    entra_groups: bool
    entra_accounts: bool
    oidc_groups_claim: str
    base_url: str

    @property
    def notice(self) -> timedelta:
        """How long before its end a role by groups is said to end."""
        return min(LONGEST_NOTICE, self.hold / 2)

    async def rules(self) -> GroupRules:
        return await self.directory.get(GroupRules, GROUP_RULES_PLACE) or GroupRules()

    @retried_when_stale
    async def remove_rules_of(self, organization: Organization) -> None:
        """Remove the rules about an organization that is gone: nobody gets a role by them in
        another one of its name. A repeat changes nothing."""
        stored = await self.rules()
        kept = tuple(e for e in stored.rules if not e.role or e.target != organization.key)
        if kept == stored.rules:
            return
        now_ms = self.clock.now_ms()
        changed = stored.model_copy(update={"rules": kept, "changed_ms": now_ms})
        change = _change_of_rules(stored, changed)
        await self.audited_writer.replace(changed, change=change, by=MAINTENANCE)

    async def signed_in(self, verified: VerifiedIdentity) -> None:
        """As `GroupRights` says; what is stored stands where the provider does not say groups."""
        if verified.groups is None:
            return
        place = identity_place(verified.issuer, verified.identifier)
        identity = await self._store_groups(place, verified.groups, has_roles=True)
        if identity is not None:
            found = await self._identities(identity.account)
            others = [each for each in found if each.place != place]
            await self._apply(identity.account, [identity, *others])

    async def pushed(self, place: Place, groups: tuple[str, ...]) -> None:
        """Store the groups that the directory of a person pushes by SCIM, and give the account what
        follows at once. A repeat after a crash continues."""
        identity = await self._store_pushed(place, groups)
        if identity is not None:
            found = await self._identities(identity.account)
            others = [each for each in found if each.place != place]
            await self._apply(identity.account, [identity, *others])

    @retried_when_stale
    async def _store_pushed(self, place: Place, groups: tuple[str, ...]) -> Identity | None:
        identity = await self.directory.get(Identity, place)
        if identity is None:
            return None
        # What the last sign-in said of a group ends with what the directory says now.
        left = {*identity.pushed_groups} - {*groups}
        update = {
            "is_provisioned": True,
            "pushed_groups": groups,
            "groups": tuple(each for each in identity.groups if each not in left),
        }
        changed = identity.model_copy(update=update)
        return identity if changed == identity else await self.directory.replace(changed)

    async def ends_of(self, account: Account) -> EndingRoles:
        """Return what an account has by groups, with when it ends or has ended."""
        members = await self.directory.list_by_subject(Membership, account.id)
        ends = [
            RoleEnd(f"{each.group.role.value} of {each.org}", each.group.until_ms)
            for each in members
            if each.group is not None
            and each.hand_role is not each.group.role
            and each.group.until_ms < NO_END_MS
        ]
        by_groups = account.by_groups
        staff_until_ms = self.staff.end_of(account)
        if by_groups and by_groups.administrator and not account.is_administrator_by_hand:
            ends.append(RoleEnd("administrator of this registry", by_groups.until_ms))
        if by_groups and by_groups.auditor and not account.auditor:
            until_ms = by_groups.auditor_until_ms
            if until_ms < NO_END_MS:
                ends.append(RoleEnd("auditor of this registry", until_ms))
        if staff_until_ms is not None and staff_until_ms < NO_END_MS:
            ends.append(RoleEnd("staff, who read internal packages", staff_until_ms))
        return EndingRoles(account, tuple(sorted(ends, key=lambda each: each.until_ms)))

    async def every_end(self) -> AsyncIterator[EndingRoles]:
        """Yield what each account has by groups. The cost grows with the number of accounts."""
        async for batch in entity_batches(self.directory, Account, RECORDS_AT_ONCE):
            known = [each for each in batch if each.by_groups or each.groups_until_ms is not None]
            for found in await asyncio.gather(*map(self.ends_of, known)):
                if found.roles:
                    yield found

    async def renew(self, account_id: str) -> bool:
        """Give an account what its providers say now, where one says it without a sign-in, and lock
        or unlock it where one says whether its person is enabled. Return False if it is locked
        now."""
        reads_groups = self.entra_groups or bool(self.oidc_groups_claim)
        if not (reads_groups or self.entra_accounts):
            return True
        found = await self._identities(account_id)
        state = await self.directory_locks.review(account_id, found)
        if reads_groups and state is not DirectoryState.DISABLED:
            await self._apply(account_id, [await self._refreshed(each) for each in found])
        if state is DirectoryState.ENABLED:
            return True
        account = await self.directory.get(Account, Place(account_id))
        return account is not None and not account.is_locked

    async def _identities(self, account_id: str) -> list[Identity]:
        listed = await self.directory.list_by_subject(Identity, account_id)
        # The list may lag behind, so the records are read.
        read = await asyncio.gather(*(self.directory.get(Identity, e.place) for e in listed))
        return [each for each in read if each is not None]

    async def _refreshed(self, identity: Identity) -> Identity:
        provider = self.providers.get(identity.provider)
        is_asked = provider is not None and identity.groups_ms is not None
        groups = await provider.groups_of(identity.identifier) if provider and is_asked else None
        if groups is None:
            return identity
        return await self._store_groups(identity.place, groups, has_roles=False) or identity

    async def review(self, account_id: str) -> int:
        """Give an account what the rules say about its stored groups, without asking a provider,
        and send it mail once if any of it ends soon; return how many were sent."""
        await self._apply(account_id, await self._identities(account_id))
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            return 0
        now_ms = self.clock.now_ms()
        ending = (await self.ends_of(account)).ending_within(now_ms, self.notice)
        return await self._remind(account, ending) if ending else 0

    async def _remind(self, account: Account, ending: Sequence[RoleEnd]) -> int:
        until_ms = ending[0].until_ms
        mail = mail_text(
            "group-roles-end",
            name=account.name,
            url=self.base_url,
            at=time_text(until_ms),
            roles="\n".join(f"  {each.role}" for each in ending),
        )
        return await self.mail_delivery.send_once(
            f"group-roles:{until_ms}",
            [account],
            mail,
            until_ms=until_ms,
        )

    async def _apply(self, account_id: str, identities: Sequence[Identity]) -> None:
        """Bring the roles of an account up to date."""
        rules, memberships = await asyncio.gather(
            self.rules(), self.directory.list_by_subject(Membership, account_id)
        )
        granted = rules.roles_of(identities, self.hold)
        had = {each.org.lower() for each in memberships if each.group is not None}
        for org in sorted(had | set(granted.roles)):
            await self._set_role(OrgName(org), account_id, granted.roles.get(org))
        until_ms = self._known_until(identities)
        await self.administrators.set_by_groups(account_id, granted.account, until_ms, by=GROUPS)

    def _known_until(self, identities: Sequence[Identity]) -> int | None:
        """Return until when the groups of an account are known; None if no provider says them, or a
        directory locks the account when its person leaves."""
        if any(each.is_provisioned for each in identities):
            return None
        says_groups = {"entra": self.entra_groups, "oidc": bool(self.oidc_groups_claim)}
        said_ms = [
            each.groups_ms
            for each in identities
            if each.groups_ms is not None and says_groups.get(each.provider)
        ]
        return max(said_ms) + self.hold // MS if said_ms else None

    @retried_when_stale
    async def _store_groups(
        self, place: Place, groups: tuple[str, ...], *, has_roles: bool
    ) -> Identity | None:
        """Store the groups unless they are; `has_roles` says whether app roles are among them."""
        identity = await self.directory.get(Identity, place)
        if identity is None:
            return None
        roles = [] if has_roles else [e for e in identity.groups if e.startswith(ROLE_PREFIX)]
        # Rounded, so that a renewal after ten minutes writes no record without need.
        now_ms = self.clock.now_ms()
        said_ms = now_ms - now_ms % (self.hold // MS // 10)
        update = {
            "groups": tuple(sorted({*groups, *roles})),
            "groups_ms": said_ms,
            "roles_ms": said_ms if has_roles else identity.roles_ms,
        }
        changed = identity.model_copy(update=update)
        return identity if changed == identity else await self.directory.replace(changed)

    @retried_when_stale
    async def _set_role(self, org: OrgName, account_id: str, wanted: GroupRole | None) -> None:
        now_ms = self.clock.now_ms()
        stored = await self.directory.get(Membership, member_place(org, account_id))
        current = stored.after_pending(now_ms) if stored else None
        if current is not None:
            changed = current.with_roles(current.hand_role, wanted)
        else:
            found = await existing_organization(self.directory, org, now_ms)
            is_due = wanted is not None and now_ms < wanted.until_ms
            if wanted is None or not is_due or found is None:
                return
            changed = Membership(
                org=found.name, account=account_id, role=wanted.role, since_ms=now_ms, group=wanted
            )
        if changed is not None and current is not None and changed.group == current.group:
            return
        await self._write_role(stored, current, changed)

    async def _write_role(
        self, stored: Membership | None, current: Membership | None, changed: Membership | None
    ) -> None:
        """Store a membership with other groups, with an event if the role is another one now."""
        change = _change(current, changed, self.clock.now_ms())
        is_same = change.details["before"] == change.details["after"]
        if changed is None and current is not None:
            if is_same:  # The role by groups had ended before.
                await self.directory.remove(current)
            else:
                await self.audited_writer.remove(current, change=change, by=GROUPS)
        elif changed is not None and is_same:
            await self.directory.replace(changed)  # The role is only prolonged.
        elif changed is not None:
            await self.audited_writer.put(changed, stored=stored, change=change, by=GROUPS)


def _change(before: Membership | None, after: Membership | None, now_ms: int) -> EntityChange:
    [one, *_] = [each for each in (after, before) if each is not None]
    role_before, role_after = (each.role_at(now_ms) if each else None for each in (before, after))
    details = {
        "account": one.account,
        "before": role_before.value if role_before else "",
        "after": role_after.value if role_after else "",
        "groups": ", ".join(one.groups)[:_MOST_IN_AN_EVENT],
    }
    kind = "member.set" if role_after else "member.removed"
    return EntityChange(kind, one.org, org=one.org, account=one.account, details=details)


class GroupRuleEffect(Struct, frozen=True):
    """An account for which other rules decide otherwise: about a role in an organization, or about
    `(administrator)`, `(auditor)` or `(staff)`; empty texts for nothing."""

    account: str
    target: str
    now: str
    then: str


class GroupRuleDryRun(Struct, frozen=True):
    """The roles that other rules would give to the accounts whose groups are known."""

    effects: tuple[GroupRuleEffect, ...]
    accounts_read: int
    unknown_groups: tuple[str, ...]  # Groups of the rules that nobody is known to be in.


class GroupRuleChanges(Struct, frozen=True):
    """Shows and changes the rules; a change takes an administrator who signed in recently.

    A change is applied to each account at its next sign-in or renewal.
    """

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    roles_by_groups: RolesByGroups
    audited_writer: AuditedWriter
    clock: Clock

    async def current(self, *, by: Principal) -> GroupRules:
        """Return the stored rules to an administrator or auditor."""
        await self.registry_authorization.require_auditor(by, "look at", _WHAT)
        return await self.roles_by_groups.rules()

    async def dry_run(self, wanted: GroupRules, *, by: Principal) -> GroupRuleDryRun:
        """Compare the wanted rules with the stored ones over all accounts; nothing is changed."""
        await self.registry_authorization.require(by, "look at", _WHAT)
        now = await self.roles_by_groups.rules()
        await self._require_organizations(wanted)
        named = {rule.group for rules in (now, wanted) for rule in rules.rules}
        people = defaultdict[str, list[Identity]](list)
        known = set[str]()
        async for batch in entity_batches(self.directory, Identity, RECORDS_AT_ONCE):
            for each in batch:
                # Others are left out: thousands of people may have hundreds of groups each.
                kept = tuple(group for group in each.groups if group in named)
                pushed = tuple(group for group in each.pushed_groups if group in named)
                known |= {f"{each.provider}:{group}" for group in (*kept, *pushed)}
                if each.groups_ms is not None or each.is_provisioned:
                    update = {"groups": kept, "pushed_groups": pushed}
                    people[each.account].append(each.model_copy(update=update))
        found = list[GroupRuleEffect]()
        hold = self.roles_by_groups.hold
        now_ms = self.clock.now_ms()
        for account, identities in people.items():
            before, after = (
                each.roles_of(identities, hold).granted_at(now_ms) for each in (now, wanted)
            )
            found += [
                GroupRuleEffect(account, org, before.get(org, ""), after.get(org, ""))
                for org in sorted({*before, *after})
                if before.get(org) != after.get(org)
            ]
        names = await account_names(self.directory, [each.account for each in found])
        effects = [replace(e, account=names.get(e.account, e.account)) for e in found]
        effects.sort(key=lambda each: (each.account.lower(), each.target))
        unknown = dict.fromkeys(e.source for e in wanted.rules if e.source not in known)
        return GroupRuleDryRun(tuple(effects), len(people), tuple(unknown))

    async def replace(self, wanted: GroupRules, *, by: Principal) -> GroupRules:
        """Store the wanted rules; raise `organization-not-found` for one that names none."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        await self._require_organizations(wanted)
        return await self._store(wanted, by)

    @retried_when_stale
    async def _store(self, wanted: GroupRules, by: Principal) -> GroupRules:
        stored = await self.roles_by_groups.rules()
        now_ms = self.clock.now_ms()
        changed = stored.model_copy(update={"rules": wanted.rules, "changed_ms": now_ms})
        # The log of the administrator has it.
        change = _change_of_rules(stored, changed, account=by.id)
        known = None if stored.changed_ms is None else stored
        return await self.audited_writer.put(changed, stored=known, change=change, by=by)

    async def _require_organizations(self, wanted: GroupRules) -> None:
        now_ms = self.clock.now_ms()
        for org in sorted({rule.target for rule in wanted.rules if rule.role}):
            await require_organization(self.directory, org, now_ms)


def _change_of_rules(before: GroupRules, after: GroupRules, account: str = "") -> EntityChange:
    details = {
        when: "; ".join(map(str, each.rules))[:_MOST_IN_AN_EVENT]
        for when, each in (("before", before), ("after", after))
    }
    return EntityChange("groups.rules", "groups", account=account, details=details)
