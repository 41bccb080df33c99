"""The packages of an organization with releases that wait for a decision, page by page."""

from collections.abc import Callable

from shared.domain.names import OrgName
from shared.domain.packages import ReleaseEntry, Survey
from shared.ports.metadata import MetadataStore
from shared.services.list_pages import organization_package_page

PACKAGES_SURVEYED = 50  # Packages that one page looks through.
MAX_WAITING_RELEASES = 25  # Waiting releases after which a page looks at no further package.


async def waiting_package_page(
    metadata: MetadataStore, org: OrgName, after: str, waits: Callable[[ReleaseEntry], bool]
) -> tuple[list[Survey], str]:
    """Return packages with releases that wait, and the name after which there may be more."""
    packages, next_ = await organization_package_page(metadata, org, after, PACKAGES_SURVEYED)
    waiting = list[Survey]()
    count = 0
    for survey in await metadata.survey(packages):
        found = sum(map(waits, survey.entries)) if survey else 0
        if survey is None or not found:
            continue
        if count >= MAX_WAITING_RELEASES:
            return waiting, waiting[-1].head.name
        waiting.append(survey)
        count += found
    return waiting, next_
