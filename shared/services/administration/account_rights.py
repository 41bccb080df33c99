"""What an account can do, and why: by hand, by a group, by the directory that provisions it, or by
a setting of the operator."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.identities import Identity
from shared.domain.memberships import Membership
from shared.domain.principals import Principal
from shared.domain.staff import Staff
from shared.domain.times import NO_END_MS
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock


class RightSource(Enum):
    """Why an account has a right."""

    HAND = "hand"  # Somebody gave the right.
    GROUP = "group"  # A rule about a group that a provider reports at a sign-in.
    SCIM = "scim"  # A rule about a group that a directory pushes by SCIM.
    SETTING = "setting"

    @property
    def phrase(self) -> str:
        return _PHRASES[self]


_PHRASES = {
    RightSource.HAND: "by hand",
    RightSource.GROUP: "by a group",
    RightSource.SCIM: "by SCIM",
    RightSource.SETTING: "by the setting BALLROOM_STAFF",
}


class AccountRight(Struct, frozen=True):
    """A right that an account has now, and why. `until_ms` is when it ends unless the provider
    confirms the groups; None for no end."""

    right: str
    source: RightSource
    org: str = ""
    groups: tuple[str, ...] = ()
    until_ms: int | None = None


class RightsOfAccount(Struct, frozen=True):
    """The rights of an account, and which directories provision it. A locked account has them again
    when it is unlocked."""

    account: Account
    rights: tuple[AccountRight, ...]
    provisioned_by: tuple[str, ...]


class AccountRights(Struct, frozen=True):
    """Says what accounts can do, to administrators and auditors."""

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    staff: Staff
    clock: Clock

    async def of(self, account: Account, *, by: Principal) -> RightsOfAccount:
        await self.registry_authorization.require_auditor(by, "see", "the accounts of others")
        identities = await self.directory.list_by_subject(Identity, account.id)
        memberships = await self.directory.list_by_subject(Membership, account.id)
        return self.of_records(account, identities, memberships)

    def of_records(
        self,
        account: Account,
        identities: Sequence[Identity],
        memberships: Iterable[Membership],
    ) -> RightsOfAccount:
        """Return the rights by these identities and memberships, which are all of the account;
        callers check rights."""
        pushed = frozenset(
            f"{each.provider}:{group}" for each in identities for group in each.pushed_groups
        )
        now_ms = self.clock.now_ms()
        found = [
            *_administrator(account, now_ms),
            *_auditor(account, now_ms),
            *self._staff(account, now_ms),
            *(
                right
                for each in sorted(memberships, key=lambda member: member.org)
                for right in _roles(each, pushed, now_ms)
            ),
        ]
        provisioned = {each.provider for each in identities if each.is_provisioned}
        return RightsOfAccount(account, tuple(found), tuple(sorted(provisioned)))

    def _staff(self, account: Account, now_ms: int) -> Iterator[AccountRight]:
        if not self.staff.includes(account, now_ms) or account.administers_at(now_ms):
            return
        right = "staff, who read internal packages"
        by_groups = account.by_groups
        end_ms = self.staff.end_of(account)
        if by_groups is None or not by_groups.staff or self.staff.names(account):
            yield AccountRight(right, RightSource.SETTING, until_ms=end_ms)
            return
        is_pushed = (by_groups.staff_until_ms or 0) >= NO_END_MS
        source = RightSource.SCIM if is_pushed else RightSource.GROUP
        yield AccountRight(right, source, until_ms=None if is_pushed else end_ms)


def _administrator(account: Account, now_ms: int) -> Iterator[AccountRight]:
    right = "administrator of this registry"
    if account.is_administrator_by_hand:
        yield AccountRight(right, RightSource.HAND)
    by_groups = account.by_groups
    if by_groups is not None and by_groups.administrator and now_ms < by_groups.until_ms:
        yield AccountRight(right, RightSource.GROUP, until_ms=by_groups.until_ms)


def _auditor(account: Account, now_ms: int) -> Iterator[AccountRight]:
    right = "auditor of this registry"
    if account.auditor:
        yield AccountRight(right, RightSource.HAND)
    by_groups = account.by_groups
    if by_groups is not None and account.is_auditor_by_groups_at(now_ms):
        is_pushed = by_groups.auditor_until_ms >= NO_END_MS
        source = RightSource.SCIM if is_pushed else RightSource.GROUP
        until_ms = None if is_pushed else by_groups.auditor_until_ms
        yield AccountRight(right, source, until_ms=until_ms)


def _roles(stored: Membership, pushed: frozenset[str], now_ms: int) -> Iterator[AccountRight]:
    current = stored.at(now_ms)
    if current is None:
        return
    if current.hand_role is not None:
        yield AccountRight(current.hand_role.value, RightSource.HAND, org=current.org)
    group = current.group
    if group is None or now_ms >= group.until_ms:
        return
    is_pushed = not pushed.isdisjoint(group.groups)
    yield AccountRight(
        group.role.value,
        RightSource.SCIM if is_pushed else RightSource.GROUP,
        org=current.org,
        groups=group.groups,
        until_ms=None if group.has_no_end else group.until_ms,
    )
