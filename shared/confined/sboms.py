"""The bill of materials that the registry makes of a release, as CycloneDX 1.6.

The same archive, published at the same time, has the same bytes in every registry. It is imported
by the task `release` alone, as its libraries take a quarter of a second.
"""

# The decorators of the library hide the arguments and attributes of its classes.
# pyright: basic, reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import (
    DisjunctiveLicense,
    License,
    LicenseAcknowledgement,
    LicenseExpression,
)
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id, is_expression
from packageurl import PackageURL

from shared.confined.release_files import ReleaseRequest
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.archives.java_libraries import JavaLibrary
from shared.domain.packages import Dependency as NeededPackage
from shared.domain.text_lines import in_one_line

# The library takes four seconds for 2,000, and the square of that for more.
MAX_COMPONENTS = 2_000
MAX_LICENSE_LENGTH = 200  # Characters of an SPDX expression; it is parsed.
# The author declared the license; nobody compared the files with it.
_DECLARED = LicenseAcknowledgement.DECLARED
_BALLERINA = "ballerina"  # The type of package URLs.
_MAVEN = "maven"
_MAX_ADDRESS_LENGTH = 2_000  # Characters.
_Key = tuple[str, str, str]  # Organization, name and version.
_PATH = "ballroom:path"  # Names of properties.
_UNREAD = "ballroom:unread"


class SbomRefused(Exception):
    """Why there is no bill of materials, as the end of a sentence."""


def sbom_of(request: ReleaseRequest, libraries: Sequence[JavaLibrary]) -> str:
    """Return the bill of materials of a release; raise `SbomRefused` if it has too many
    components."""
    others = _other_packages(request)
    count = len(others) + len(libraries)
    if count > MAX_COMPONENTS:
        reason = f"it has {count:,} components, and the registry lists {MAX_COMPONENTS:,} at most"
        raise SbomRefused(reason)
    digest = request.digest
    bom = Bom(serial_number=UUID(hex=digest[:32], version=5), version=GENERATOR_VERSION)
    bom.metadata.timestamp = datetime.fromtimestamp(request.created_ms // 1000, UTC)
    bom.metadata.tools.components.add(Component(name="Ballroom", type=ComponentType.APPLICATION))
    root = _release(request)
    bom.metadata.component = root
    jars = list(_jars(libraries))
    bom.components.update(others.values())
    bom.components.update(jars)
    refs = [each.bom_ref for each in jars]
    bom.dependencies.update(_edges(request, root.bom_ref, refs, others))
    with warnings.catch_warnings():
        # The library warns that the release has no dependencies, although its graph names packages.
        warnings.simplefilter("ignore", UserWarning)
        return JsonV1Dot6(bom).output_as_string(indent=2)


def _release(request: ReleaseRequest) -> Component:
    url = request.source_repository
    is_address = url.startswith(("https://", "http://")) and len(url) <= _MAX_ADDRESS_LENGTH
    vcs = [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(url))] if is_address else []
    return Component(
        **_package(request.org, request.name, request.version),
        description=in_one_line(request.summary) or None,
        licenses=list(_licenses(request.licenses)),
        authors=[OrganizationalContact(name=in_one_line(each)) for each in request.authors],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=request.digest)],
        external_references=vcs,
    )


def _licenses(texts: Sequence[str]) -> Iterator[License]:
    """Yield the licenses of a package: by their SPDX ids, or else as the author named them. A bill
    has one expression and nothing else, or any number of ids and names."""
    for text in map(in_one_line, texts):
        is_short = len(text) <= MAX_LICENSE_LENGTH
        if spdx_id := fixup_id(text) if is_short else None:
            yield DisjunctiveLicense(id=spdx_id, acknowledgement=_DECLARED)
        elif is_short and len(texts) == 1 and is_expression(text):
            yield LicenseExpression(text, acknowledgement=_DECLARED)
        elif text:
            name = text if is_short else f"{text[:MAX_LICENSE_LENGTH]}…"
            yield DisjunctiveLicense(name=name, acknowledgement=_DECLARED)


def _package(org: str, name: str, version: str) -> dict[str, object]:
    """Return what every package of Ballerina has. Its organization supplies it."""
    url = PackageURL(_BALLERINA, org, name, version)
    return {
        "type": ComponentType.LIBRARY,
        "bom_ref": url.to_string(),
        "group": org,
        "name": name,
        "version": version,
        "purl": url,
        "supplier": OrganizationalEntity(name=org),
    }


def _other_packages(request: ReleaseRequest) -> dict[_Key, Component]:
    """Return the packages of the dependency graph besides the release."""
    nodes = [
        (each.org, each.name, each.version)
        for node in request.graph.nodes
        for each in (node, *node.dependencies)
        if (each.org, each.name) != (request.org, request.name)
    ]
    if len(set(nodes)) > MAX_COMPONENTS:
        reason = f"it depends on more than {MAX_COMPONENTS:,} packages"
        raise SbomRefused(reason)
    return {key: Component(**_package(*key)) for key in sorted(set(nodes))}


def _jars(libraries: Iterable[JavaLibrary]) -> Iterator[Component]:
    """Yield each JAR, with the libraries that were packed into it."""
    for path, rows in groupby(libraries, key=lambda each: each.path):
        jar, *inside = rows
        notes = {_PATH: path, _UNREAD: jar.problem}
        yield Component(
            **_library(jar, f"jar:{path}"),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=jar.sha256)],
            properties=[Property(name=name, value=text) for name, text in notes.items() if text],
            components=[
                Component(**_library(each, f"jar:{path}!{each.name}:{each.version}"))
                for each in inside
            ],
        )


def _library(library: JavaLibrary, reference: str) -> dict[str, object]:
    common: dict[str, object] = {"type": ComponentType.LIBRARY, "bom_ref": reference}
    if not library.name:
        return common | {"name": library.path.rpartition("/")[2]}
    return common | {
        "group": library.group,
        "name": library.artifact,
        "version": library.version,
        "purl": PackageURL(_MAVEN, library.group, library.artifact, library.version),
    }


def _edges(
    request: ReleaseRequest,
    root: BomRef,
    jars: Iterable[BomRef],
    others: Mapping[_Key, Component],
) -> Iterator[Dependency]:
    """Yield what each package depends on; the JARs belong to the release."""
    needed = {
        (each.org, each.name, each.version): each.dependencies for each in request.graph.nodes
    }
    own = needed.pop((request.org, request.name, request.version), ())
    yield Dependency(root, [*map(Dependency, jars), *_needed(own, others)])
    for key, component in others.items():
        yield Dependency(component.bom_ref, _needed(needed.get(key, ()), others))


def _needed(
    dependencies: Iterable[NeededPackage], others: Mapping[_Key, Component]
) -> list[Dependency]:
    keys = ((each.org, each.name, each.version) for each in dependencies)
    return [Dependency(others[key].bom_ref) for key in keys if key in others]
