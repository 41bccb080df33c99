"""Bills of materials: what the registry makes of a release, and how the author's differs."""

import json
from collections.abc import Mapping
from enum import Enum
from typing import cast

from msgspec import Struct

from shared.domain.bounded_parsing import has_at_most_values

# The parts of a job that make bills of materials; documentation is complete without them.
LIBRARIES_PART = "libraries"
SBOM_PART = "sbom"
AUTHOR_SBOM_PART = "author-sbom"
SBOM_PARTS = frozenset({LIBRARIES_PART, SBOM_PART, AUTHOR_SBOM_PART})

SBOM_FILE = "bom.cdx.json"
SBOM_TYPE = "application/vnd.cyclonedx+json; version=1.6"
# Without a version: the author chose which version of CycloneDX it has.
AUTHOR_SBOM_TYPE = "application/vnd.cyclonedx+json"
MAX_SBOM_BYTES = 8 * 1024 * 1024  # A bill of materials names each dependency in about 1 KiB.
MAX_SBOM_VALUES = 1_000_000  # A name, a version and a licence are about ten bytes each.


class Difference(Enum):
    """How a component of one bill of materials differs from that of the other."""

    ONLY_HERE = "only-registry"
    ONLY_AUTHOR = "only-author"
    VERSION = "version"
    CONTENT = "content"  # The same package URL, and other bytes.


class DifferentComponent(Struct, frozen=True, rename="camel"):
    """A component of which the two bills of materials say different things; what one of them does
    not say is empty."""

    difference: Difference
    name: str  # A package URL, or a file.
    registry: str = ""  # A version or a SHA-256.
    author: str = ""


class SbomDifferences(Struct, frozen=True, rename="camel"):
    """What the bill of materials of the author and that of the registry say differently; more are
    `hidden`. With a `problem`, the author's was not read."""

    same: int = 0
    differences: tuple[DifferentComponent, ...] = ()
    hidden: int = 0
    problem: str = ""  # As the end of a sentence.


_FORMAT = "CycloneDX"


def is_cyclonedx(content: bytes) -> bool:
    """Check whether a document is a bill of materials that can be read: CycloneDX in JSON."""
    if not has_at_most_values(MAX_SBOM_VALUES, content):
        return False
    try:
        read: object = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and cast(Mapping[str, object], read).get("bomFormat") == _FORMAT
