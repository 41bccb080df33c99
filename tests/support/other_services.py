"""A registry of which faces use another service."""

from copy import copy

from shared.registry import Registry


def with_services(registry: Registry, group: str, **services: object) -> Registry:
    """Return a copy of a registry that has these services in a group. Services that were created
    with those of before keep them."""
    copied = copy(registry)
    before = getattr(registry, group)
    after = copy(before)
    vars(after).update(vars(before) | services)
    vars(copied)[group] = after
    return copied
