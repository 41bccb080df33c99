"""Advisories: what is known of a vulnerable or malicious version of a package.

The form that other tools read is in `osv.py`, and which versions one affects in `matching.py`.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import cast

from msgspec import Struct, field

from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, Invalid, InvalidName, NotFound, quoted

BALLERINA = "Ballerina"
MAVEN = "Maven"

OWN_PREFIX = "x_BLR-"  # The schema of OSV gives local databases the prefix `x_`.
MALWARE_PREFIX = "MAL-"
MALWARE = "malware"  # The kind of an advisory, in `database_specific`.

MAX_ID_LENGTH = 128  # Characters. The longest that public databases use has 40.
# The limit of OSV. The largest advisory of Maven has 150 KB; Cosmos DB stores 2 MB, in which quotes
# count twice.
MAX_ADVISORY_BYTES = 512 * 1024
MAX_VERSIONS = 10_000  # Versions of one affected package.
MAX_EVENTS = 1_000  # Events in all ranges of one affected package.
MAX_AFFECTED = 1_000
MAX_ALIASES = 200
MAX_REFERENCES = 500
MAX_CREDITS = 200
MAX_SUMMARY = 500  # Characters.
MAX_DETAILS = 100_000  # Characters.

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


# Structs without `gc` are not looked at by the garbage collector, which takes a third of the time
# of an audit otherwise: an index holds some hundred thousand of them, and none is in a cycle.


class AdvisoryState(Enum):
    """Drafts are seen by those alone who write them. What is withdrawn is shown and matches
    nothing."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Severity(Struct, frozen=True, omit_defaults=True, gc=False):
    """A score, such as `CVSS_V3` and its vector."""

    type: str
    score: str


class RangeType(Enum):
    SEMVER = "SEMVER"
    ECOSYSTEM = "ECOSYSTEM"
    GIT = "GIT"  # Ranges of commits are stored and shown; no release is compared with them.


class EventKind(Enum):
    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


class RangeEvent(Struct, frozen=True, gc=False):
    """A version at which something begins or ends to be affected; `0` stands before all."""

    kind: EventKind
    version: str


class AffectedRange(Struct, frozen=True, omit_defaults=True, gc=False):
    type: RangeType
    events: tuple[RangeEvent, ...]
    repo: str = ""


class Affected(Struct, frozen=True, omit_defaults=True, gc=False):
    """Versions of a package: all in the ranges, and those that are listed."""

    ecosystem: str
    name: str
    ranges: tuple[AffectedRange, ...] = ()
    versions: tuple[str, ...] = ()
    purl: str = ""
    severity: tuple[Severity, ...] = ()
    ecosystem_specific: Mapping[str, object] = field(default_factory=dict[str, object])
    database_specific: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def key(self) -> tuple[str, str]:
        return package_key(self.ecosystem, self.name)

    @property
    def sha256(self) -> tuple[str, ...]:
        """The files that are affected, whatever their version, as `database_specific` says."""
        listed = self.database_specific.get("sha256")
        texts = cast(list[object], listed) if isinstance(listed, list) else []
        return tuple(each for each in texts if isinstance(each, str) and _SHA256.fullmatch(each))


class Reference(Struct, frozen=True, gc=False):
    type: str
    url: str


class Credit(Struct, frozen=True, omit_defaults=True, gc=False):
    name: str
    contact: tuple[str, ...] = ()
    type: str = ""


class Advisory(Struct, frozen=True, omit_defaults=True):
    """An advisory; `org` is the key of the organization that writes it, empty for those of the
    operator and for imported ones."""

    id: str
    modified_ms: int
    published_ms: int | None = None
    withdrawn_ms: int | None = None
    state: AdvisoryState = AdvisoryState.PUBLISHED
    org: str = ""
    is_imported: bool = False
    summary: str = ""
    details: str = ""  # Markdown of an untrusted author.
    aliases: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    severity: tuple[Severity, ...] = ()
    affected: tuple[Affected, ...] = ()
    references: tuple[Reference, ...] = ()
    credits: tuple[Credit, ...] = ()
    database_specific: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def is_malware(self) -> bool:
        kind = self.database_specific.get("kind")
        return self.id.startswith(MALWARE_PREFIX) or kind == MALWARE

    @property
    def is_live(self) -> bool:
        """Whether versions are matched with it."""
        return self.state is AdvisoryState.PUBLISHED and self.withdrawn_ms is None

    def packages_of(self, ecosystem: str) -> tuple[Package, ...]:
        """Return the packages of this registry, whose ecosystem is given, that it is about."""
        own = [each.name for each in self.affected if each.ecosystem == ecosystem]
        return tuple(Package.from_text(name) for name in own)


class PackageVersion(Struct, frozen=True, gc=False):
    """What is asked about: a version of a package, or every version if it is empty; `sha256` is the
    hexadecimal digest of its file, if it is known."""

    ecosystem: str
    name: str
    version: str = ""
    sha256: str = ""


def ballerina_ecosystem(base_url: str) -> str:
    """Return the ecosystem of the packages of the registry at this address: two registries may have
    different packages of one name."""
    return f"{BALLERINA}:{base_url.partition('://')[2].rstrip('/')}"


def is_ballerina(ecosystem: str) -> bool:
    return ecosystem.partition(":")[0] == BALLERINA


def package_key(ecosystem: str, name: str) -> tuple[str, str]:
    """Return the key by which packages are compared, without the case of the name."""
    return ecosystem, name.lower()


def own_id(year: int, number: int) -> str:
    return f"{OWN_PREFIX}{year}-{number}"


def parse_advisory_id(text: str) -> str:
    """Return the id of an advisory, or raise `Invalid`."""
    if len(text) > MAX_ID_LENGTH or _ID.fullmatch(text) is None:
        raise Invalid(
            "invalid-advisory-id",
            f"{quoted(text)} is not the id of an advisory. It has up to {MAX_ID_LENGTH} letters, "
            "digits and . _ : -, such as GHSA-jfh8-c2jp-5v3q.",
        )
    return text


def is_package_name(name: str) -> bool:
    """Check whether it is the name of a Ballerina package, `org/name`."""
    try:
        Package.from_text(name)
    except InvalidName:
        return False
    return True


def advisory_not_found(advisory_id: str) -> NotFound:
    return NotFound(
        "advisory-not-found",
        f"There is no advisory {quoted(advisory_id)} here. Correct its id.",
    )


def advisory_withdrawn(advisory_id: str) -> Conflict:
    return Conflict(
        "advisory-withdrawn",
        f"{advisory_id} was withdrawn, and stays so. Write another advisory.",
    )
