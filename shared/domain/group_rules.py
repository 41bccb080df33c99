"""Rules by which groups of an identity provider give roles: the rules, and what they give to whom.

A rule is a line such as `entra:8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11 -> acme, maintainer`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from msgspec import Struct

from shared.domain.accounts import AccountByGroups
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.identities import MAX_GROUP_LENGTH, ROLE_PREFIX, Identity
from shared.domain.memberships import GroupRole
from shared.domain.names import parse_org
from shared.domain.records import Record
from shared.domain.scopes import Role
from shared.domain.times import MS, NO_END_MS

MAX_GROUP_RULES = 500  # All are compared with the groups of an account.
# What a group makes an account, without a role.
ADMINISTRATOR = "administrator"
STAFF = "staff"
AUDITOR = "auditor"
OF_REGISTRY = (ADMINISTRATOR, AUDITOR, STAFF)
ENTRA = "entra"
# The providers that report groups, by their names in the addresses of sign-ins.
PROVIDERS = (ENTRA, "oidc")

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXAMPLE = f"{ENTRA}:8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11 -> acme, maintainer"


class GroupRule(Record):
    """What members of a group of a provider get: a role in the organization `target`, in lower
    case; without a role it is one of `OF_REGISTRY`."""

    provider: str
    group: str
    target: str
    role: Role | None = None

    @property
    def source(self) -> str:
        """The group with its provider: another provider may have one of the same name."""
        return f"{self.provider}:{self.group}"

    @property
    def target_is_pushable(self) -> bool:
        """Whether a directory gives it by SCIM: anything but to be an administrator."""
        return self.role is not None or self.target != ADMINISTRATOR

    def __str__(self) -> str:
        given = f"{self.target}, {self.role.value}" if self.role else self.target
        return f"{self.source} -> {given}"


class GrantedRoles(Struct, frozen=True):
    """What an account gets by its groups: roles by the keys of organizations, and the rest."""

    roles: Mapping[str, GroupRole]
    account: AccountByGroups | None

    def ends(self) -> Mapping[str, int]:
        """Return when each ends, by organization, `(administrator)`, `(auditor)` and `(staff)`."""
        found = {org: each.until_ms for org, each in self.roles.items()}
        account = self.account or AccountByGroups()
        if account.administrator:
            found[f"({ADMINISTRATOR})"] = account.until_ms
        if account.auditor:
            found[f"({AUDITOR})"] = account.auditor_until_ms
        if account.staff:
            found[f"({STAFF})"] = account.staff_until_ms or 0
        return found

    def granted_at(self, now_ms: int) -> Mapping[str, str]:
        """Return the roles that hold as people read them, by organization, `(administrator)`,
        `(auditor)` and `(staff)`."""
        kept = [name for name, until_ms in self.ends().items() if now_ms < until_ms]
        roles = {org: each.role.value for org, each in self.roles.items()}
        return {name: roles.get(name, "yes") for name in kept}


class GroupRules(Entity):
    """The rules about groups, in one record."""

    kind: ClassVar[str] = "group-rules"

    rules: tuple[GroupRule, ...] = ()
    changed_ms: int | None = None  # None: there were never any.

    @property
    def place(self) -> Place:
        return GROUP_RULES_PLACE

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "GroupRules":
        """Parse the lines that an operator wants; raise `InvalidRequest`."""
        lines = [each.strip() for each in texts if each.strip()]
        if len(lines) > MAX_GROUP_RULES:
            message = f"There can be {MAX_GROUP_RULES} rules. Combine groups at the provider."
            raise InvalidRequest(message)
        rules = tuple(map(_parse_rule, lines))
        given = Counter((each.source, each.target, each.role is None) for each in rules)
        for (source, target, _), count in given.items():
            if count > 1:
                message = f"Two rules say what {source} gives for {target}. Keep one."
                raise InvalidRequest(message)
        return cls(rules=rules)

    def roles_of(self, identities: Iterable[Identity], hold: timedelta) -> GrantedRoles:
        """Return what the identities of one account get; each role holds for `hold` after the
        provider last said the group, and without an end for a group that its directory pushes.

        What a directory pushes makes nobody an administrator.
        """
        identities = tuple(identities)
        pushed = {f"{each.provider}:{group}" for each in identities for group in each.pushed_groups}
        known = {
            f"{each.provider}:{group}": _holds_until(each, group, hold)
            for each in identities
            if each.groups_ms is not None
            for group in each.groups
        }
        ends = [
            (rule, NO_END_MS)
            if rule.source in pushed and rule.target_is_pushable
            else (rule, known.get(rule.source, 0))
            for rule in self.rules
        ]
        found = [(rule, until_ms) for rule, until_ms in ends if until_ms]
        orgs = dict.fromkeys(rule.target for rule, _ in found if rule.role)
        roles = {
            org: _group_role([each for each in found if each[0].role and each[0].target == org])
            for org in orgs
        }
        return GrantedRoles(roles, _by_groups([each for each in found if each[0].role is None]))


GROUP_RULES_PLACE = Place("registry", "groups")


def _holds_until(identity: Identity, group: str, hold: timedelta) -> int:
    # App roles are only in tokens.
    said_ms = identity.roles_ms if group.startswith(ROLE_PREFIX) else identity.groups_ms
    return (said_ms or 0) + hold // MS


def _group_role(found: Sequence[tuple[GroupRule, int]]) -> GroupRole:
    """Return the role that holds longest among the strongest ones of an organization."""
    order = list(Role)
    rank = min(order.index(rule.role) for rule, _ in found if rule.role)
    best = [(rule, until_ms) for rule, until_ms in found if rule.role is order[rank]]
    return GroupRole(
        role=order[rank],
        until_ms=max(until_ms for _, until_ms in best),
        groups=tuple(rule.source for rule, _ in found),
    )


def _by_groups(found: Sequence[tuple[GroupRule, int]]) -> AccountByGroups | None:
    if not found:
        return None
    ends = {
        target: [until_ms for rule, until_ms in found if rule.target == target]
        for target in OF_REGISTRY
    }
    return AccountByGroups(
        administrator=bool(ends[ADMINISTRATOR]),
        staff=bool(ends[STAFF]),
        until_ms=max(ends[ADMINISTRATOR], default=0),
        staff_until_ms=max(ends[STAFF], default=0),
        auditor=bool(ends[AUDITOR]),
        auditor_until_ms=max(ends[AUDITOR], default=0),
    )


def _parse_rule(line: str) -> GroupRule:
    source, arrow, given = (part.strip() for part in line.rpartition("->"))
    provider, _, group = source.partition(":")
    target, comma, role = (part.strip() for part in given.lower().partition(","))
    provider = provider.lower()
    reason = ""
    is_id = provider == ENTRA and not group.startswith(ROLE_PREFIX)
    if not (arrow and group and target) or not line.isprintable():
        reason = "it has no group and what that gives"
    elif provider not in PROVIDERS:
        reason = f"its provider is none of {', '.join(PROVIDERS)}"
    elif len(group) > MAX_GROUP_LENGTH:
        reason = f"its group has more than {MAX_GROUP_LENGTH} characters"
    elif is_id and not _OBJECT_ID.fullmatch(group.lower()):
        # Another group may get the name of one that was deleted, and never its id.
        reason = "its group is not the object id of a group of Entra ID"
    elif not comma and target not in OF_REGISTRY:
        reason = f"it gives none of {', '.join(OF_REGISTRY)}, and no role in an organization"
    elif comma and role not in [each.value for each in Role]:
        reason = f"its role is none of {', '.join(each.value for each in Role)}"
    if reason:
        message = f"{line[:100]!r} is no rule: {reason}. Write it as {_EXAMPLE}."
        raise InvalidRequest(message)
    return GroupRule(
        provider=provider,
        group=group.lower() if is_id else group,
        target=parse_org(target) if comma else target,
        role=Role(role) if comma else None,
    )
