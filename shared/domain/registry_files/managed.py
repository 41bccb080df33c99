"""What a registry file owns, as pages mark it."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.registry_files.sections import (
    FORMER_KEYS,
    OrganizationSection,
    RegistryFile,
)

_OWNER = "registry-file"  # No id of an account, and no name of an organization, has a hyphen.
_REGISTRY = "@registry"
_LISTS = ("owners", "members", "groups")  # Each of their keys is owned by itself.


class ManagedByFile(Entity):
    """What the last file that named an organization, or the registry, said of it."""

    kind: ClassVar[str] = "managed-by-file"

    section: str  # The key of an organization; empty for the registry.
    keys: tuple[str, ...] = ()  # Such as `description`, `members.mia` and `webhooks`.
    applied_ms: int = 0
    by: str = ""  # The account that applied it; empty for the operator.

    @property
    def place(self) -> Place:
        return managed_place(self.section)

    def manages(self, *keys: str) -> bool:
        """Check whether the file says one of these keys, or something below it."""
        said = [FORMER_KEYS.get(each, each) for each in self.keys]
        return any(known == key or known.startswith(f"{key}.") for known in said for key in keys)


def managed_place(section: str) -> Place:
    """Return the place of what a file owns of an organization; empty is the registry."""
    return Place(_OWNER, section.lower() or _REGISTRY)


MANAGED_OWNER = _OWNER


def managed_keys(content: RegistryFile) -> dict[str, tuple[str, ...]]:
    """Return the keys that a file owns, by organization in lower case; empty is the registry."""
    found = {
        name.lower(): tuple(sorted(_keys_of(section)))
        for name, section in content.organizations.items()
    }
    registry = content.registry
    keys = [*registry.model_fields_set] if registry else []
    if content.upstreams is not None:
        keys.append("upstreams")
    if keys:
        found[""] = tuple(sorted(keys))
    return found


def _keys_of(section: OrganizationSection) -> Iterator[str]:
    for key in section.model_fields_set:
        yield key
        if key in _LISTS:
            names: Iterable[str] = getattr(section, key) or ()
            yield from (f"{key}.{name.lower()}" for name in names)
