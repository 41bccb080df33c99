"""Whether everybody may read a package, or a package of an organization."""

from shared.domain.coordinates import Package
from shared.domain.scopes import Resource
from shared.domain.visibility import Visibility
from shared.ports.metadata import MetadataStore
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches


async def is_public(metadata: MetadataStore, target: Resource) -> bool:
    """Check whether everybody may read the package, or a package of the organization. One read of a
    package, and one of each batch of an organization's until one is public."""
    if isinstance(target, Package):
        head = await metadata.head(target)
        return head is not None and head.visibility is Visibility.PUBLIC
    async for heads in package_batches(metadata, RECORDS_AT_ONCE, prefix=f"{target.lower()}/"):
        if any(head.visibility is Visibility.PUBLIC for head in heads):
            return True
    return False
