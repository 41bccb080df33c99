"""Rules by which groups of an identity provider give roles: the rules, and what they give to whom.

A rule is a line such as `entra:8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11 -> acme, maintainer`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from msgspec import Struct

from shared.domain.access import GroupRole
from shared.domain.accounts import MAX_GROUP_LENGTH, ROLE_PREFIX, AccountByGroups, Identity
from shared.domain.errors.base import InvalidRequest
from shared.domain.names import parse_org
from shared.domain.principals import Role
from shared.domain.records import Entity, Place, Record
from shared.domain.times import MS

MAX_GROUP_RULES = 500  # All are compared with the groups of an account.
MAX_RULE_LENGTH = 600  # Characters of a line.
ADMINISTRATOR, STAFF = "administrator", "staff"  # What a group makes an account, without a role.
ENTRA = "entra"
PROVIDERS = (ENTRA, "oidc")  # Those that say groups, as in the address of a sign-in.

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXAMPLE = f"{ENTRA}:8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11 -> acme, maintainer"


class GroupRule(Record):
    """What members of a group of a provider get: a role in the organization `target`, in lower
    case; without a role it is `ADMINISTRATOR` or `STAFF`."""

    provider: str
    group: str
    target: str
    role: Role | None = None

    @property
    def source(self) -> str:
        """The group with its provider: another provider may have one of the same name."""
        return f"{self.provider}:{self.group}"

    def __str__(self) -> str:
        given = f"{self.target}, {self.role.value}" if self.role else self.target
        return f"{self.source} -> {given}"


class GrantedRoles(Struct, frozen=True):
    """What an account gets by its groups: roles by the keys of organizations, and the rest."""

    roles: Mapping[str, GroupRole]
    account: AccountByGroups | None

    @property
    def granted(self) -> Mapping[str, str]:
        """The roles as people read them, by organization, and by `ADMINISTRATOR` and `STAFF`."""
        found = {org: each.role.value for org, each in self.roles.items()}
        flags = {
            f"({ADMINISTRATOR})": self.account is not None and self.account.administrator,
            f"({STAFF})": self.account is not None and self.account.staff,
        }
        return found | {name: "yes" for name, is_given in flags.items() if is_given}


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
        seen = set[tuple[str, str]]()
        for rule in rules:
            given = (rule.source, rule.target if rule.role else f"({rule.target})")
            if given in seen:
                message = f"Two rules say what {rule.source} gives for {rule.target}. Keep one."
                raise InvalidRequest(message)
            seen.add(given)
        return cls(rules=rules)

    def with_wanted(self, wanted: "GroupRules", *, now_ms: int) -> "GroupRules":
        """Return the record with what an operator wants."""
        return self.model_copy(update={"rules": wanted.rules, "changed_ms": now_ms})

    def roles_of(self, identities: Iterable[Identity], hold: timedelta) -> GrantedRoles:
        """Return what the identities of one account get; each role holds for `hold` after the
        provider last said the group."""
        known = {
            f"{each.provider}:{group}": holds_until(_said_ms(each, group), hold)
            for each in identities
            if each.groups_ms is not None
            for group in each.groups
        }
        found = [(rule, known[rule.source]) for rule in self.rules if rule.source in known]
        orgs = dict.fromkeys(rule.target for rule, _ in found if rule.role)
        roles = {
            org: _group_role([each for each in found if each[0].role and each[0].target == org])
            for org in orgs
        }
        return GrantedRoles(roles, _by_groups([each for each in found if each[0].role is None]))

    def unknown_groups(self, identities: Iterable[Identity]) -> tuple[str, ...]:
        """Return the groups of the rules that none of the identities is in."""
        known = {f"{each.provider}:{group}" for each in identities for group in each.groups}
        return tuple(dict.fromkeys(e.source for e in self.rules if e.source not in known))


GROUP_RULES_PLACE = Place("registry", "groups")


def holds_until(said_ms: int, hold: timedelta) -> int:
    """Return until when a role holds. Times are rounded to a tenth of `hold`, so that no renewal
    writes a record without need."""
    step_ms = max(hold // MS // 10, 1)
    return said_ms - said_ms % step_ms + hold // MS


def _said_ms(identity: Identity, group: str) -> int:
    """Return when the provider last said the group: app roles are only in tokens."""
    said_ms = identity.roles_ms if group.startswith(ROLE_PREFIX) else identity.groups_ms
    return said_ms or 0


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
    administrator = [(rule, until) for rule, until in found if rule.target == ADMINISTRATOR]
    return AccountByGroups(
        administrator=bool(administrator),
        staff=any(rule.target == STAFF for rule, _ in found),
        until_ms=max((until_ms for _, until_ms in administrator), default=0),
        groups=tuple(rule.source for rule, _ in administrator),
    )


def _parse_rule(line: str) -> GroupRule:
    source, arrow, given = (part.strip() for part in line.rpartition("->"))
    provider, _, group = source.partition(":")
    target, comma, role = (part.strip() for part in given.partition(","))
    provider, role = provider.lower(), role.lower()
    if not (arrow and group and target) or len(line) > MAX_RULE_LENGTH or not line.isprintable():
        message = f"{line[:100]!r} is no rule. Write a group and what it gives: {_EXAMPLE}."
        raise InvalidRequest(message)
    if provider not in PROVIDERS:
        known = " and ".join(PROVIDERS)
        message = f"The provider {provider[:40]!r} of {line[:100]!r} is unknown. There are {known}."
        raise InvalidRequest(message)
    group = _parse_group(provider, group)
    if not comma:
        if target.lower() not in (ADMINISTRATOR, STAFF):
            message = (
                f"{target[:100]!r} is nothing that a group gives. Write {ADMINISTRATOR}, {STAFF}, "
                "or an organization and a role: acme, maintainer."
            )
            raise InvalidRequest(message)
        return GroupRule(provider=provider, group=group, target=target.lower())
    if role not in [each.value for each in Role]:
        known = ", ".join(each.value for each in Role)
        message = f"The role {role[:40]!r} of {line[:100]!r} is unknown. There are: {known}."
        raise InvalidRequest(message)
    return GroupRule(
        provider=provider, group=group, target=parse_org(target).lower(), role=Role(role)
    )


def _parse_group(provider: str, group: str) -> str:
    if len(group) > MAX_GROUP_LENGTH:
        message = f"The group {group[:40]!r} has more than {MAX_GROUP_LENGTH} characters."
        raise InvalidRequest(message)
    if provider != ENTRA or group.startswith(ROLE_PREFIX):
        return group
    # Somebody else may get the name of a group that was deleted, and never its id.
    if not _OBJECT_ID.fullmatch(group.lower()):
        message = (
            f"{group[:100]!r} is no object id of a group of Entra ID. Names can pass to other "
            f"groups, so copy the id from its page: {_EXAMPLE}."
        )
        raise InvalidRequest(message)
    return group.lower()
