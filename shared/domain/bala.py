"""What the registry reads out of a bala: facts, documentation and dependencies.

Everything is derived from the bytes, and from nothing that the upload says beside them.
"""

import json
from dataclasses import dataclass

from shared.domain.archive import Archive
from shared.domain.bad_archive import CoordinateDiffers, RecordTooLarge
from shared.domain.contents import Contents
from shared.domain.digest import Digest
from shared.domain.documentation import read_texts
from shared.domain.extras import Extras
from shared.domain.layout import read_layout
from shared.domain.limits import DEFAULT_LIMITS, ArchiveLimits
from shared.domain.manifest import Manifest
from shared.domain.modules import Modules, require_sources
from shared.domain.names import Coordinate
from shared.domain.package import Dependency, Graalvm, Graph, Texts, Visibility
from shared.domain.summary import summary_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bala:
    """A bala that was read and found good."""

    coordinate: Coordinate
    digest: Digest
    size_bytes: int
    layout: int
    bala_version: str
    ballerina_version: str
    language_spec_version: str
    implementation_vendor: str
    platform: str
    visibility: Visibility | None  # None where the manifest does not say.
    licenses: tuple[str, ...]
    authors: tuple[str, ...]
    keywords: tuple[str, ...]
    source_repository: str
    summary: str
    icon: str
    template: bool
    graalvm: Graalvm
    modules: tuple[str, ...]  # Those that it exports.
    internal_modules: tuple[str, ...]
    texts: Texts
    graph: Graph
    tools: tuple[str, ...]
    compiler_plugin: bool
    sbom: str
    warnings: tuple[str, ...]

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """Return what the package itself depends on."""
        return self.graph.nodes[0].dependencies


def read_bala(content: bytes | memoryview, limits: ArchiveLimits = DEFAULT_LIMITS) -> Bala:
    """Return what `content` holds, or raise the `BadArchive` that says why it is refused."""
    archive = Archive.open(content, limits)
    bala = _read(Contents(archive, limits), memoryview(content), limits)
    archive.verify()
    return bala


def require_coordinate(bala: Bala, claimed: Coordinate) -> None:
    """Refuse an archive that is another package or version than its upload announced."""
    if bala.coordinate.key != claimed.key:
        raise CoordinateDiffers(bala.coordinate, claimed)


def _read(contents: Contents, content: memoryview, limits: ArchiveLimits) -> Bala:
    layout = read_layout(contents)
    manifest, graph = layout.manifest, layout.graph()
    extras = Extras.of(contents, manifest)
    modules = Modules.of(contents, layout)
    warnings = require_sources(modules, layout, extras.tools)
    _refuse_large_record(manifest, modules, graph, extras, limits.record_bytes)
    texts = read_texts(contents, layout, modules.exported, limits.documentation)
    return Bala(
        coordinate=manifest.coordinate,
        digest=Digest.of(content),
        size_bytes=content.nbytes,
        layout=manifest.layout,
        bala_version=manifest.bala_version,
        ballerina_version=manifest.ballerina_version,
        language_spec_version=manifest.language_spec_version,
        implementation_vendor=manifest.implementation_vendor,
        platform=manifest.platform,
        visibility=manifest.visibility,
        licenses=manifest.licenses,
        authors=manifest.authors,
        keywords=manifest.keywords,
        source_repository=manifest.source_repository,
        summary=summary_of(manifest.description, texts.readme),
        icon=extras.icon,
        template=manifest.template,
        graalvm=manifest.graalvm,
        modules=modules.exported,
        internal_modules=modules.internal,
        texts=texts,
        graph=graph,
        tools=extras.tools,
        compiler_plugin=extras.compiler_plugin,
        sbom=extras.sbom,
        warnings=(*warnings, *extras.warnings),
    )


def _refuse_large_record(
    manifest: Manifest, modules: Modules, graph: Graph, extras: Extras, limit: int
) -> None:
    """Refuse facts that a release's record has no room for; the summary is short in any case."""
    facts: dict[str, object] = {
        "keywords": manifest.keywords,
        "authors": manifest.authors,
        "licenses": manifest.licenses,
        "modules": (*modules.exported, *modules.internal),
        "dependencies": [each.model_dump() for each in graph.nodes[0].dependencies],
        "tools": extras.tools,
        "the repository, icon and versions": (
            manifest.source_repository,
            extras.icon,
            manifest.bala_version,
            manifest.ballerina_version,
            manifest.language_spec_version,
            manifest.implementation_vendor,
        ),
    }
    # ASCII, because a store may escape every other letter.
    sizes = {what: len(json.dumps(fact)) for what, fact in facts.items()}
    total = sum(sizes.values())
    if total > limit:
        raise RecordTooLarge(total, limit, max(sizes, key=lambda what: sizes[what]))
