"""Scopes of credentials, roles in organizations, and actions."""

from enum import Enum

from shared.domain.coordinates import Package
from shared.domain.names import OrgName

# What an action applies to: a package, or a whole organization.
Resource = Package | OrgName


class Scope(Enum):
    """A set of actions that a credential permits; every action needs one."""

    READ = "read"
    PUSH_NEW = "push-new"
    PUSH_VERSION = "push-version"
    DEPRECATE = "deprecate"
    MANAGE = "manage"
    APPLY = "apply"  # For tokens that apply registry files; only administrators issue them.
    AUDIT = "audit"  # For tokens that read what auditors see; only administrators issue them.
    # For tokens of scanners and of providers' hooks; only administrators issue them.
    MODERATE = "moderate"


class Role(Enum):
    """The role of an account in an organization."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    MEMBER = "member"


class Action(Enum):
    """Something that a principal may do with a package or an organization."""

    READ = "read"
    PUSH_NEW = "publish the new package"
    PUSH_VERSION = "publish a version of"
    DEPRECATE = "deprecate"
    MANAGE = "manage"
    LEAVE = "leave"
    GOVERN = "govern"
    APPROVE = "approve"
    OPERATE = "administer"
    MODERATE = "moderate"
    AUDIT = "audit"
    APPLY = "apply a registry file to"

    @property
    def verb(self) -> str:
        """The verb after "You may not …"; the same for new and existing packages, and for all that
        owners manage."""
        if self is Action.GOVERN:
            return Action.MANAGE.value
        return "publish" if self in PUSH_ACTIONS else self.value


# Refused in an organization that is being deleted.
PUSH_ACTIONS = frozenset({Action.PUSH_NEW, Action.PUSH_VERSION})

# Scopes that only administrators give to tokens, and that no other scopes include.
ADMINISTRATORS_SCOPES = frozenset({Scope.MODERATE, Scope.AUDIT, Scope.APPLY})

PUBLISHING_SCOPES = frozenset({Scope.PUSH_NEW, Scope.PUSH_VERSION})


def org_of(resource: Resource) -> OrgName:
    return resource.org if isinstance(resource, Package) else resource
