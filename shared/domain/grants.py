"""Grants: scopes on the packages that match a pattern, as credentials have them."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from shared.domain.coordinates import Package
from shared.domain.names import OrgName
from shared.domain.records import Record
from shared.domain.scopes import Resource, Scope, org_of

ANY_NAME = "*"

# The scopes of a stored grant that names none. A new scope is not added here, because nobody gave
# it to such a grant.
_DEFAULT_SCOPES = frozenset(
    {
        Scope.READ,
        Scope.PUSH_NEW,
        Scope.PUSH_VERSION,
        Scope.DEPRECATE,
        Scope.MANAGE,
        Scope.APPLY,
        Scope.AUDIT,
        Scope.MODERATE,
    }
)


class Grant(Record):
    """Scopes on the packages that match both patterns (`*` and `?`)."""

    scopes: frozenset[Scope] = _DEFAULT_SCOPES
    org: str = ANY_NAME
    package: str = ANY_NAME

    def covers(self, scope: Scope, resource: Resource) -> bool:
        return scope in self.scopes and self._matches(resource)

    def is_for(self, org: OrgName) -> bool:
        """Check whether the grant is for packages of the organization."""
        return matches_pattern(org, self.org)

    def includes(self, other: "Grant") -> bool:
        """Check whether a holder of this grant may create one with `other`: nobody grants more than
        they have.

        A pattern includes itself, and `*` includes every pattern; others are not compared.
        """
        return (
            other.scopes <= self.scopes
            and self.org in (ANY_NAME, other.org)
            and self.package in (ANY_NAME, other.package)
        )

    def _matches(self, resource: Resource) -> bool:
        if isinstance(resource, Package):
            return self.is_for(resource.org) and matches_pattern(resource.name, self.package)
        # A grant for some packages of an organization does not cover the organization itself.
        return self.is_for(resource) and self.package == ANY_NAME


# The grant of people who are signed in and of the operator: only their roles limit them.
UNLIMITED = Grant(scopes=frozenset(Scope))


def limit_of(grants: Iterable[Grant], resource: Resource) -> str:
    """Return the limit of the grants that leaves the resource out, such as `the organization acme`.

    None of the grants matches the resource, and there is at least one.
    """
    every = list(grants)
    packages = [each.package for each in every if each.is_for(org_of(resource))]
    if packages:
        return _named("package", packages)
    return _named("organization", [each.org for each in every])


def _named(noun: str, patterns: Iterable[str]) -> str:
    names = sorted(set(patterns))
    return f"the {noun if len(names) == 1 else f'{noun}s'} {' and '.join(names)}"


def matches_pattern(name: str, pattern: str) -> bool:
    """Match a name against a pattern, without case."""
    return fnmatchcase(name.lower(), pattern.lower())
