"""Freezes: what cannot be changed while an organization or a package is frozen."""

from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import NotPermitted
from shared.domain.organizations import Organization
from shared.domain.scopes import Resource
from shared.domain.times import time_text

# Frozen packages of an organization. They are part of its record, which every change reads; where
# more have to be frozen, the organization is.
MAX_FROZEN_PACKAGES = 100


def refusal_while_frozen(
    organization: Organization | None, verb: str, resource: Resource
) -> Refusal | None:
    """Return the refusal of a change, if its organization or the package is frozen; `verb` comes
    after "You may not"."""
    if organization is None:
        return None
    if organization.freeze is not None:
        frozen = f"the organization {organization.name}"
        freeze = organization.freeze
    elif isinstance(resource, Package) and (found := organization.freeze_of(resource.name)):
        frozen = f"the package {resource}"
        freeze = found
    else:
        return None
    reason = (
        f"an administrator of the registry froze {frozen} on {time_text(freeze.at_ms)}, and "
        "nothing in it changes until it is unfrozen"
    )
    way_out = f"Members of {organization.name} see the reason on its page."
    return NotPermitted(verb, resource, reason, way_out)
