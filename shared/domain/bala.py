"""What the registry reads out of a bala: facts, documentation and dependencies.

Everything is derived from the bytes, and from nothing that the upload says beside them.
"""

import json
import re
from dataclasses import dataclass

from shared.domain.archive import Archive
from shared.domain.bad_archive import (
    CoordinateDiffers,
    FieldInvalid,
    RecordTooLarge,
    ToolIdMissing,
    ToolNotPullable,
    shown,
)
from shared.domain.contents import Contents
from shared.domain.digest import Digest
from shared.domain.documentation import read_texts
from shared.domain.filename import canonical_file_name, gives_platform
from shared.domain.layout import Layout, read_layout
from shared.domain.limits import DEFAULT_LIMITS, ArchiveLimits
from shared.domain.manifest import PLUGIN_JSON, TOOL_JSON, Manifest, PluginJson, ToolJson
from shared.domain.modules import Modules, require_sources
from shared.domain.names import MAX_PACKAGE_LENGTH, Coordinate
from shared.domain.package import Dependency, Graalvm, Graph, Texts, Visibility
from shared.domain.summary import summary_of

SBOM_FILE = "bom.cdx.json"

_PLUGIN_FOLDER = "compiler-plugin/"
_TOOL_ID = re.compile(r"\w+(?:\.\w+)*", re.ASCII)
_TOOL_RULE = "A tool id is words of letters, digits and underscores, joined by dots."


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
    visibility: Visibility
    licenses: tuple[str, ...]
    authors: tuple[str, ...]
    keywords: tuple[str, ...]
    source_repository: str
    summary: str
    icon: str
    template: bool
    graalvm: Graalvm
    modules: tuple[str, ...]
    exported: tuple[str, ...]
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
    contents = Contents(archive, limits)
    layout = read_layout(contents)
    bala = _assemble(contents, layout, content, limits)
    _refuse_large_record(bala, limits.record_bytes)
    archive.verify()
    return bala


def require_coordinate(bala: Bala, claimed: Coordinate) -> None:
    """Refuse an archive that is another package or version than its upload announced."""
    if bala.coordinate.key != claimed.key:
        raise CoordinateDiffers(bala.coordinate, claimed)


def _assemble(
    contents: Contents, layout: Layout, content: bytes | memoryview, limits: ArchiveLimits
) -> Bala:
    manifest = layout.manifest
    tools = _tools(contents, manifest)
    modules = Modules.of(contents, layout)
    warnings = require_sources(modules, layout, of_a_tool=tools)
    texts = read_texts(contents, layout, modules.exported, limits.documentation)
    icon = _icon(contents, manifest)
    return Bala(
        coordinate=manifest.coordinate,
        digest=Digest.of(content),
        size_bytes=memoryview(content).nbytes,
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
        icon=icon,
        template=manifest.template,
        graalvm=manifest.graalvm,
        modules=modules.every,
        exported=modules.exported,
        texts=texts,
        graph=layout.graph(),
        tools=tools,
        compiler_plugin=_has_compiler_plugin(contents),
        sbom=_sbom(contents),
        warnings=(*warnings, *_icon_warnings(manifest, icon)),
    )


# --- tools, plugins and other extras -----------------------------------------------------------


def _tools(contents: Contents, manifest: Manifest) -> tuple[str, ...]:
    if not contents.has(TOOL_JSON):
        return ()
    ids = contents.json(TOOL_JSON, ToolJson).ids
    if not ids:
        raise ToolIdMissing(TOOL_JSON)
    for tool in ids:
        if not _TOOL_ID.fullmatch(tool) or len(tool) > MAX_PACKAGE_LENGTH:
            raise FieldInvalid(TOOL_JSON, "tool_id", f"{shown(tool)} is not valid. {_TOOL_RULE}")
    # `bal tool pull` builds the canonical name itself, so another form would not help.
    file_name = canonical_file_name(manifest.coordinate, manifest.platform)
    if not gives_platform(file_name, manifest.coordinate, manifest.platform):
        raise ToolNotPullable(file_name, manifest.platform)
    return ids


def _has_compiler_plugin(contents: Contents) -> bool:
    """Say whether the package runs code in its users' builds, or brings what could become such."""
    if contents.has(PLUGIN_JSON):
        contents.json(PLUGIN_JSON, PluginJson)
        return True
    return any(name.lower().startswith(_PLUGIN_FOLDER) for name in contents.files)


def _sbom(contents: Contents) -> str:
    """Return the name of the bill of materials that lies highest, or nothing."""
    found = (name for name in contents.files if name.rpartition("/")[2] == SBOM_FILE)
    return min(found, key=lambda name: (name.count("/"), name), default="")


def _icon(contents: Contents, manifest: Manifest) -> str:
    icon = manifest.icon
    found = (name for name in (icon, f"docs/{icon}") if icon and name in contents.files)
    return next((name for name in found if name.lower().endswith(".png")), "")


def _icon_warnings(manifest: Manifest, icon: str) -> tuple[str, ...]:
    if not manifest.icon or icon:
        return ()
    return (f"The icon {shown(manifest.icon)} is no PNG file of the archive, so none is shown.",)


# --- the size of what is listed ----------------------------------------------------------------


def _refuse_large_record(bala: Bala, limit: int) -> None:
    """Refuse facts that a release's record has no room for."""
    facts = {
        "keywords": bala.keywords,
        "authors": bala.authors,
        "licenses": bala.licenses,
        "modules": bala.modules,
        "dependencies": [each.model_dump() for each in bala.dependencies],
        "tools": bala.tools,
        "the other fields": (
            bala.summary,
            bala.source_repository,
            bala.icon,
            bala.bala_version,
            bala.ballerina_version,
            bala.language_spec_version,
            bala.implementation_vendor,
        ),
    }
    # ASCII, because a store may escape every other letter.
    sizes = {what: len(json.dumps(fact)) for what, fact in facts.items()}
    total = sum(sizes.values())
    if total > limit:
        raise RecordTooLarge(total, limit, max(sizes, key=lambda what: sizes[what]))
