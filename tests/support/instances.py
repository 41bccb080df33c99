"""Instances of a registry in the cloud: when they know of changes that others made."""

from shared.composition import Registry


async def edition_confirmed(registry: Registry) -> None:
    """Wait until this instance may answer from memory; a busy machine takes longer than a request
    waits."""
    while not await registry.adapters.edition.confirm():
        pass
