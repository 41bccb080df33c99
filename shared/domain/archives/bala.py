"""The content of an archive: facts, modules, documentation, tools and dependencies.

Everything is derived from the bytes, and nothing from what the upload says about them.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.domain.archives.layouts import ArchiveContents, Layout, read_layout
from shared.domain.archives.manifest import (
    GO_LAYOUT,
    PLUGIN_JSON,
    TOOL_JSON,
    Manifest,
    PluginJson,
    ToolJson,
    coordinate_invalid,
    field_invalid,
)
from shared.domain.archives.names import Digest, canonical_file_name, gives_platform
from shared.domain.archives.summaries import summary_of
from shared.domain.archives.unpacking import (
    DEFAULT_LIMITS,
    ArchiveLimits,
    Documentation,
    FindToken,
    ZipArchive,
    find_no_token,
)
from shared.domain.errors.base import BadArchive, InvalidName, printable
from shared.domain.names import MAX_PACKAGE_LENGTH, Coordinate, parse_module_name
from shared.domain.packages import Dependency, Graalvm, Graph, ModuleText, Texts, Visibility

# The Go toolchain contains the standard library, and locks this version for it.
BUILT_IN_ORG, BUILT_IN_VERSION = "ballerina", "0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bala:
    """An archive that was read and is valid."""

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
        return self.graph.nodes[0].dependencies

    @property
    def needed_packages(self) -> tuple[Dependency, ...]:
        """The dependencies that a registry has to have: those that no toolchain contains."""
        if self.layout != GO_LAYOUT:
            return self.dependencies
        return tuple(
            each
            for each in self.dependencies
            if (each.org, each.version) != (BUILT_IN_ORG, BUILT_IN_VERSION)
        )


def read_bala(
    content: bytes | memoryview,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    find_token: FindToken = find_no_token,
) -> Bala:
    """Read an archive, or raise the `BadArchive` that says why it is refused."""
    archive = ZipArchive.open(content, limits)
    bala = _read(ArchiveContents(archive, limits), memoryview(content), limits)
    archive.verify(find_token)
    return bala


def require_coordinate(bala: Bala, claimed: Coordinate) -> None:
    """Refuse an archive of another package or version than the upload announced."""
    if bala.coordinate.key != claimed.key:
        raise BadArchive(
            "coordinate-differs",
            f"The archive holds {bala.coordinate}, but the upload says {claimed}. Push it under "
            "its own name, or correct Ballerina.toml and pack again.",
        )


def _read(contents: ArchiveContents, content: memoryview, limits: ArchiveLimits) -> Bala:
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


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules of a package; the default module, if it is among them, is first.

    `exported` are those that others can import. As in Central, a default module without source is
    left out, unless there is no other: a package with only a tool is known by its own name.
    """

    exported: tuple[str, ...]
    internal: tuple[str, ...]  # Those with sources that nobody else can import.
    sourceless: tuple[str, ...]  # Exported by the manifest, but without a source file.

    @classmethod
    def of(cls, contents: ArchiveContents, layout: Layout) -> Self:
        manifest = layout.manifest
        own = manifest.coordinate.package.name
        declared = {*manifest.exported, *(item.name for item in manifest.modules)}
        for name in sorted(declared):
            _refuse_foreign(manifest, name)
        named = {*manifest.exported, *(item.name for item in manifest.modules if item.export)}
        exported = named | {own} if manifest.exports_default or not named else named
        with_sources = _with_sources(contents, layout, own)
        # The names of all modules begin with that of the default module, so it is sorted first.
        return cls(
            exported=tuple(sorted(exported & with_sources or {own})),
            internal=tuple(sorted(with_sources - exported)),
            sourceless=tuple(sorted(named - with_sources)),
        )


@dataclass(frozen=True, slots=True)
class Extras:
    """Optional parts of an archive; missing ones are empty."""

    tools: tuple[str, ...]
    compiler_plugin: bool
    sbom: str
    icon: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, contents: ArchiveContents, manifest: Manifest) -> Self:
        icon = _icon(contents, manifest.icon)
        lost = (
            f"The icon {printable(manifest.icon)} is no PNG file of the archive, so none is shown."
        )
        return cls(
            tools=_tools(contents, manifest),
            compiler_plugin=_runs_in_builds(contents, manifest),
            sbom=_sbom(contents),
            icon=icon,
            warnings=(lost,) if manifest.icon and not icon else (),
        )


def _refuse_large_record(
    manifest: Manifest, modules: Modules, graph: Graph, extras: Extras, limit: int
) -> None:
    """Refuse facts that do not fit into a release's record."""
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
        raise BadArchive(
            "record-too-large",
            f"The facts that this registry lists of the package have {total:,} bytes, and "
            f"{limit:,} fit. Most of it is in {max(sizes, key=lambda what: sizes[what])}; shorten "
            "that and pack again.",
        )


def require_sources(modules: Modules, layout: Layout, tools: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse exported modules without sources; return a warning for a tool's default module."""
    own = layout.manifest.coordinate.package.name
    for module in modules.sourceless:
        if module != own or not tools:
            raise BadArchive(
                "sources-missing",
                f"The exported module {printable(module)} has no .bal file in "
                f"{printable(layout.folder(module) or 'the root')}. Add its sources, or take it "
                "out of export, and pack again.",
            )
    return tuple(
        f"The default module {module} has no source file." for module in modules.sourceless
    )


def _with_sources(contents: ArchiveContents, layout: Layout, own: str) -> set[str]:
    folders = {name.rpartition("/")[0] for name in contents.files if name.endswith(".bal")}
    if layout.manifest.layout == GO_LAYOUT:
        _refuse_misnamed(layout, folders)
    found = (layout.module(folder) for folder in folders)
    return {name for name in found if name is not None and _is_module(name, own)}


def _refuse_misnamed(layout: Layout, folders: set[str]) -> None:
    """Refuse folders of modules that the Go toolchain does not load; it reads all of them."""
    for folder in sorted(folders):
        try:
            parse_module_name(layout.module(folder) or layout.manifest.coordinate.package.name)
        except InvalidName as error:
            raise coordinate_invalid(folder, error) from None


def _is_module(name: str, own: str) -> bool:
    """Check that a folder's name is that of a module of this package; other files are ignored."""
    try:
        parse_module_name(name)
    except InvalidName:
        return False
    return f"{name}.".startswith(f"{own}.")


def _refuse_foreign(manifest: Manifest, name: str) -> None:
    try:
        parse_module_name(name)
    except InvalidName as error:
        raise coordinate_invalid(manifest.source, error) from None
    own = manifest.coordinate.package.name
    if not _is_module(name, own):
        raise BadArchive(
            "foreign-module",
            f"{printable(manifest.source)} declares the module {printable(name)}, but modules of "
            f"this package are called {own} or {own}.something. Rename it and pack again.",
        )


def read_texts(
    contents: ArchiveContents, layout: Layout, exported: Iterable[str], policy: Documentation
) -> Texts:
    """Return the texts of the package and its exported modules; refuse missing documentation."""
    name = _first(contents, layout.package_texts())
    readme = contents.text(name) if name else ""
    if layout.documentation_folder and policy is Documentation.REQUIRED:
        _require(contents, layout.documentation_folder, name, readme)
    descriptions = {item.name: item.description for item in layout.manifest.modules}
    modules = (
        _module_text(contents, layout, module, descriptions.get(module, "")) for module in exported
    )
    return Texts(readme=readme, modules=tuple(modules))


def _require(contents: ArchiveContents, folder: str, name: str, readme: str) -> None:
    documented = (
        each.lower().endswith(".md") for each in contents.files if each.startswith(f"{folder}/")
    )
    if not name or not any(documented):
        # The first sentence is that of Central, which scripts look for.
        raise BadArchive(
            "documentation-missing",
            "Package.md is missing in bala file. Describe the package in a README.md beside "
            "Ballerina.toml (Package.md for older clients) and pack again.",
        )
    if not readme.strip():
        raise BadArchive(
            "documentation-empty",
            f"{printable(name)}, which describes the package, is empty. Write a sentence or more "
            "into it and pack again.",
        )


def _module_text(
    contents: ArchiveContents, layout: Layout, module: str, description: str
) -> ModuleText:
    name = _first(contents, layout.module_texts(module))
    readme = contents.text(name) if name else ""
    return ModuleText(name=module, summary=summary_of(description, readme), readme=readme)


def _first(contents: ArchiveContents, names: Iterable[str]) -> str:
    return next((name for name in names if name in contents.files), "")


SBOM_FILE = "bom.cdx.json"

_JAVA_CODE = re.compile(r"compiler-plugin/", re.IGNORECASE)
# The Go toolchain compiles and runs `native/*.go` of every package that a project depends on.
_GO_CODE = re.compile(
    rf"{_JAVA_CODE.pattern}|native/.*\.go\Z|CompilerPlugin\.toml\Z", re.IGNORECASE | re.DOTALL
)
_TOOL_ID = re.compile(r"\w+(?:\.\w+)*", re.ASCII)
_TOOL_RULE = "Tool ids may contain letters, digits, underscores and single dots."


def _tools(contents: ArchiveContents, manifest: Manifest) -> tuple[str, ...]:
    if not contents.has(TOOL_JSON):
        return ()
    ids = contents.json(TOOL_JSON, ToolJson).ids
    if not ids:
        raise BadArchive(
            "tool-id-missing",
            f"{printable(TOOL_JSON)} has no tool_id. Give the tool an id in BalTool.toml and pack "
            "again.",
        )
    for tool in ids:
        if not _TOOL_ID.fullmatch(tool) or len(tool) > MAX_PACKAGE_LENGTH:
            raise field_invalid(
                TOOL_JSON, "tool_id", f"{printable(tool)} is not valid. {_TOOL_RULE}"
            )
    # `bal tool pull` builds the canonical name itself, so another form would not help.
    file_name = canonical_file_name(manifest.coordinate, manifest.platform)
    if not gives_platform(file_name, manifest.coordinate, manifest.platform):
        raise BadArchive(
            "tool-not-pullable",
            f"bal tool pull would not find the platform {manifest.platform} in the file name "
            f"{file_name}. Rename the package so that its name is no part of its organization, "
            "platform or version, and pack again.",
        )
    return ids


def _runs_in_builds(contents: ArchiveContents, manifest: Manifest) -> bool:
    """Check for code that runs in the builds of users, or could become such."""
    if contents.has(PLUGIN_JSON):
        contents.json(PLUGIN_JSON, PluginJson)
        return True
    runs = _GO_CODE if manifest.layout == GO_LAYOUT else _JAVA_CODE
    return any(runs.match(name) is not None for name in contents.files)


def _sbom(contents: ArchiveContents) -> str:
    """Return the name of the bill of materials in the topmost folder."""
    found = (name for name in contents.files if name.rpartition("/")[2] == SBOM_FILE)
    return min(found, key=lambda name: (name.count("/"), name), default="")


def _icon(contents: ArchiveContents, icon: str) -> str:
    found = (name for name in (icon, f"docs/{icon}") if name in contents.files)
    return next((name for name in found if name.lower().endswith(".png")), "")
