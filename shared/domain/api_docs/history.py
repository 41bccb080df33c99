"""The verdict on what a release changed of the API."""

from shared.domain.api_docs.comparison import ApiComparison
from shared.domain.api_docs.verdicts import ApiVerdict
from shared.domain.names import Coordinate


def verdict_of(coordinate: Coordinate, compared: ApiComparison) -> ApiVerdict:
    """Return what a comparison says of the later release."""
    return ApiVerdict(
        org=coordinate.package.org,
        name=coordinate.package.name,
        version=coordinate.version.text,
        compared_with=compared.before.text,
        required=compared.required.name.lower(),
        published=compared.published.name.lower(),
        changes=len(compared.changes),
        breaking=len(compared.breaking),
        is_version_too_low=compared.is_version_too_low,
        has_moved_fields=compared.has_moved_fields,
    )
