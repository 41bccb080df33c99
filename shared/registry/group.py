"""What all groups of services share: their registry, and how services are created and closed."""

from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import Struct

from shared.services.adapters import Adapters
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.registry import Parts, Registry


class _Closable(Protocol):
    async def close(self) -> None: ...


T = TypeVar("T")
C = TypeVar("C", bound=_Closable)


class ServiceGroup(Struct, frozen=True, dict=True, eq=False):
    """A group of services. Each is a `cached_property`, which calls the constructor of the service
    when it is first read; a service that some registries do not have is None there."""

    _registry: "Registry"  # The services that faces may use, by their groups.
    _parts: "Parts"  # Those that only other services use.

    @property
    def _settings(self) -> Settings:
        return self._registry.settings

    @property
    def _adapters(self) -> Adapters:
        return self._registry.adapters

    def _close_at_end(self, service: C) -> C:
        """Have a service closed with the registry, before those that were created before it."""
        self._registry.closing.push_async_callback(service.close)
        return service


def create_services(group: ServiceGroup) -> None:
    """Create all services of a group."""
    for name, member in vars(type(group)).items():
        if isinstance(member, cached_property):
            getattr(group, name)


def required(found: T | None) -> T:
    """Return an argument that only some registries have; raise `TypeError` in the others, which do
    not have the service either."""
    if found is None:
        message = "This registry has no such service."
        raise TypeError(message)
    return found
