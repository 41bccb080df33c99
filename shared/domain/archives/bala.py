"""The content of an archive: facts, modules, documentation, tools and dependencies; and where the
layouts have them.

Everything is derived from the bytes, and nothing from what the upload says about them.
"""

import json
import re
from collections.abc import Mapping, Sequence

from shared.domain.archives.digests import Digest
from shared.domain.archives.entry_names import fold_case
from shared.domain.archives.limits import DEFAULT_LIMITS, ArchiveLimits, Documentation
from shared.domain.archives.manifest import (
    BALA_JSON,
    BALA_TOML,
    BALLERINA_TOML,
    DEPENDENCIES_TOML,
    GO_LAYOUT,
    GRAPH_JSON,
    PACKAGE_JSON,
    PLUGIN_JSON,
    TOOL_JSON,
    BalaJson,
    BalaToml,
    BallerinaToml,
    DependenciesToml,
    GraphItem,
    GraphJson,
    Manifest,
    Node,
    NodeName,
    PackageJson,
    Parsed,
    PluginJson,
    ToolJson,
    coordinate_in,
    coordinate_invalid,
    field_invalid,
    go_manifest,
    java_manifest,
    read_model,
)
from shared.domain.archives.names import canonical_file_name, gives_platform
from shared.domain.archives.unpacking import FindToken, ZipArchive, find_no_token
from shared.domain.bounded_parsing import parse_json, parse_toml
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.errors.base import BadArchive, InvalidName, printable
from shared.domain.markdown_summaries import summary_of
from shared.domain.names import is_tool_id, parse_module_name
from shared.domain.packages import ArchiveFacts, Dependency, ModuleText, Texts
from shared.domain.sboms import SBOM_FILE
from shared.domain.visibility import Visibility

# The Go toolchain contains the standard library, and locks this version for it.
BUILT_IN_ORG = "ballerina"
BUILT_IN_VERSION = "0.0.1"


class ArchiveContents:
    """The files of an archive, by the names that manifests use."""

    def __init__(self, archive: ZipArchive, limits: ArchiveLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._texts_bytes = 0
        self.files = frozenset(name for name in archive.names if not name.endswith("/"))

    def json(self, name: str, model: type[Parsed]) -> Parsed:
        """Return a JSON file as `model`, or refuse it."""
        return read_model(model, name, parse_json(name, self._manifest(name)))

    def toml(self, name: str, model: type[Parsed]) -> Parsed:
        """Return a TOML file as `model`, or refuse it."""
        return read_model(model, name, parse_toml(name, self._manifest(name)))

    def text(self, name: str) -> str:
        """Return a documentation text; bytes that are not UTF-8 become replacement characters."""
        size = self._archive.size(name)
        if size > self._limits.text_bytes:
            raise BadArchive(
                "text-too-large",
                f"{printable(name)} has {size:,} bytes, and this registry shows "
                f"{self._limits.text_bytes:,} of a text at most. Shorten it, or move a part to a "
                "site of your own, and pack again.",
            )
        self._texts_bytes += size
        if self._texts_bytes > self._limits.texts_bytes:
            raise BadArchive(
                "texts-too-large",
                "The documentation texts of the package have more than "
                f"{self._limits.texts_bytes:,} bytes together, the most that this registry shows. "
                "Shorten them and pack again.",
            )
        return self._archive.read(name).decode("utf-8-sig", errors="replace")

    def has(self, manifest: str) -> bool:
        """Check for a file of this name; refuse one that differs in case only."""
        if manifest in self.files:
            return True
        wanted = fold_case(manifest)
        for name in self.files:
            if len(name) == len(wanted) and fold_case(name) == wanted:
                raise BadArchive(
                    "manifest-misspelled",
                    f"The entry {printable(name)} is {manifest} on systems that ignore case, and "
                    "another file on the rest. Rename it and pack again.",
                )
        return False

    def _manifest(self, name: str) -> bytes:
        if not self.has(name):
            raise BadArchive(
                "manifest-missing",
                f"The archive has no {name} at its root. Pack it again with bal pack.",
            )
        size = self._archive.size(name)
        if size > self._limits.manifest_bytes:
            raise BadArchive(
                "manifest-too-large",
                f"{printable(name)} has {size:,} bytes, and this registry reads "
                f"{self._limits.manifest_bytes:,} of a manifest at most. Shorten it and pack "
                "again.",
            )
        return self._archive.read(name)


class JavaLayout:
    """Layouts 2 and 3: every module in a folder of its full name, texts under `docs`.

    Folders have no slash at the end; of names of texts, the first that exists is used.
    """

    requires_documentation = True

    def __init__(self, contents: ArchiveContents) -> None:
        package = contents.json(PACKAGE_JSON, PackageJson)
        self.manifest = java_manifest(contents.json(BALA_JSON, BalaJson), package)
        self._contents = contents
        self._readmes = {item.name: item.readme for item in self.manifest.modules}

    def graph(self) -> Graph:
        """Return the graph of `dependency-graph.json`, which may be absent."""
        own = self.manifest.coordinate
        if not self._contents.has(GRAPH_JSON):
            return _graph(own, "", ())
        packages = self._contents.json(GRAPH_JSON, GraphJson).packages
        return _graph(own, f"{GRAPH_JSON}: packages", packages)

    def folder(self, module: str) -> str:
        """Return the folder that holds the sources of `module`."""
        return f"modules/{module}"

    def module(self, folder: str) -> str | None:
        """Return the module whose sources are in `folder`."""
        parent, _, module = folder.rpartition("/")
        return module if parent == "modules" else None

    def package_texts(self) -> tuple[str, ...]:
        """Return the text that the manifest names, then those of newer and older clients."""
        own = f"docs/modules/{self.manifest.coordinate.package.name}"
        return (
            self.manifest.package.readme,
            "docs/README.md",
            "docs/Package.md",
            f"{own}/README.md",
            f"{own}/Module.md",
        )

    def module_texts(self, module: str) -> tuple[str, ...]:
        """Return the text that the manifest names, then those of newer and older clients."""
        folder = f"docs/modules/{module}"
        return (self._readmes.get(module, ""), f"{folder}/README.md", f"{folder}/Module.md")


class GoLayout:
    """Layout 4: the author's project as it is; the default module is at the root."""

    requires_documentation = False

    def __init__(self, contents: ArchiveContents) -> None:
        ballerina = contents.toml(BALLERINA_TOML, BallerinaToml)
        self.manifest = go_manifest(contents.toml(BALA_TOML, BalaToml), ballerina)
        self._contents = contents
        self._name = self.manifest.coordinate.package.name
        self._readmes = {item.name: item.readme for item in self.manifest.modules}

    def graph(self) -> Graph:
        """Return the graph of `Dependencies.toml`, without which the toolchain loads no package."""
        locked = self._contents.toml(DEPENDENCIES_TOML, DependenciesToml).package
        versions = {(each.org, each.name): each for each in locked}
        packages = [
            GraphItem(
                org=package.org,
                name=package.name,
                version=package.version,
                dependencies=tuple(_locked(versions, needed) for needed in package.dependencies),
            )
            for package in locked
        ]
        return _graph(self.manifest.coordinate, f"{DEPENDENCIES_TOML}: package", packages)

    def folder(self, module: str) -> str:
        """Return the root for the default module, else `modules/` and the rest of its name."""
        inner = module.removeprefix(f"{self._name}.")
        return "" if module == self._name else f"modules/{inner}"

    def module(self, folder: str) -> str | None:
        """Return the module of the root or of a folder in `modules`."""
        parent, _, inner = folder.rpartition("/")
        if folder == "":
            return self._name
        return f"{self._name}.{inner}" if parent == "modules" else None

    def package_texts(self) -> tuple[str, ...]:
        """Return the text that the manifest names, then those of newer and older toolchains."""
        named = self.manifest.package.readme
        return (named, f"docs/{named}", "docs/README.md", "README.md", "Package.md")

    def module_texts(self, module: str) -> tuple[str, ...]:
        """Return the text that the manifest names, then those under `docs` and beside the sources.

        The text at the root is the package's.
        """
        named = self._readmes.get(module, "")
        folder = self.folder(module)
        texts = tuple(f"docs/modules/{module}/{name}" for name in (named, "README.md"))
        beside = (f"{folder}/README.md", f"{folder}/Module.md") if folder else ()
        return (named, *texts, *beside)


Layout = JavaLayout | GoLayout


def read_layout(contents: ArchiveContents) -> Layout:
    """Return the layout of a bala with its manifest, or refuse it."""
    if not contents.has(BALA_TOML):
        return JavaLayout(contents)
    if contents.has(PACKAGE_JSON):
        raise BadArchive(
            "layout-ambiguous",
            "The archive has both Bala.toml and package.json at its root, and clients differ in "
            "which they read. Keep one and pack again.",
        )
    return GoLayout(contents)


def _locked(versions: Mapping[tuple[str, str], Node], needed: NodeName) -> Node:
    found = versions.get((needed.org, needed.name))
    if found is None:
        raise BadArchive(
            "dependency-unlocked",
            f"{printable(DEPENDENCIES_TOML)} names the dependency "
            f"{printable(f'{needed.org}/{needed.name}')} but has no entry with its version. Build "
            "the package, which writes that file anew, and pack again.",
        )
    return found


def _graph(own: Coordinate, place: str, packages: Sequence[GraphItem]) -> Graph:
    """Return the graph of the packages that are listed at `place`.

    The package itself is first, at its own version; without a node it has no dependencies.
    """
    for at, package in enumerate(packages):
        where = f"{place}[{at}]"
        coordinate_in(where, package.org, package.name, package.version)
        for number, each in enumerate(package.dependencies):
            coordinate_in(f"{where}.dependencies[{number}]", each.org, each.name, each.version)
    org = own.package.org
    name = own.package.name
    nodes = [GraphNode.model_validate(each, from_attributes=True) for each in packages]
    ours = [node for node in nodes if (node.org, node.name) == (org, name)]
    needed = ours[0].dependencies if ours else ()
    first = GraphNode(org=org, name=name, version=own.version.text, dependencies=needed)
    return Graph(nodes=(first, *(node for node in nodes if (node.org, node.name) != (org, name))))


class Bala(ArchiveFacts):
    """An archive that was read and is valid."""

    layout: int
    visibility: Visibility | None  # None where the manifest does not say.
    texts: Texts
    graph: Graph
    warnings: tuple[str, ...]
    suspects: tuple[str, ...] = ()  # Its files that may have secrets in them.

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
    entries_hash = archive.verify(find_token)
    update = {"entries_hash": entries_hash, "suspects": archive.suspects}
    return bala.model_copy(update=update)


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
    manifest = layout.manifest
    graph = layout.graph()
    package = manifest.package
    tools = _tools(contents, manifest)
    compiler_plugin = _runs_in_builds(contents, manifest)
    exported, internal, sourceless = _modules(contents, layout)
    # A package with a tool, or with other modules, may lack a default module: `bal pack` exports
    # it also where it is empty.
    own = manifest.coordinate.package.name
    has_content = bool(tools or internal) or exported != (own,)
    if missing := [each for each in sourceless if each != own or not has_content]:
        raise BadArchive(
            "sources-missing",
            f"The exported module {printable(missing[0])} has no .bal file in "
            f"{printable(layout.folder(missing[0]) or 'the root')}. Add its sources, or take it "
            "out of export, and pack again.",
        )
    warnings = [f"The default module {module} has no source file." for module in sourceless]
    icon = _icon(contents, package.icon)
    if package.icon and not icon:
        warnings.append(
            f"The icon {printable(package.icon)} is no PNG file of the archive, so none is shown."
        )
    texts = _read_texts(contents, layout, exported, limits.documentation)
    bala = Bala.model_validate(
        {
            **dict(manifest.build),
            **dict(package),
            "org": manifest.coordinate.package.org,
            "digest": Digest.of(content).hex,
            "size_bytes": content.nbytes,
            "layout": manifest.layout,
            "bala_version": manifest.bala_version,
            "visibility": package.visibility or None,
            "summary": summary_of(package.description, texts.readme),
            "icon": icon,
            "graalvm": manifest.graalvm,
            "modules": exported,
            "internal_modules": internal,
            "texts": texts,
            "graph": graph,
            "dependencies": graph.nodes[0].dependencies,
            "tools": tools,
            "compiler_plugin": compiler_plugin,
            "sbom": any(name.rpartition("/")[2] == SBOM_FILE for name in contents.files),
            "warnings": tuple(warnings),
        }
    )
    _refuse_large_record(bala, limits.record_bytes)
    return bala


def _modules(
    contents: ArchiveContents, layout: Layout
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the exported modules, those that nobody else can import, and those that the manifest
    exports without a source file; a default module comes first.

    As in Central, a default module without source is not among the exported ones, unless there is
    no other: a package with only a tool, or with internal modules, is known by its own name.
    """
    manifest = layout.manifest
    own = manifest.coordinate.package.name
    declared = {*manifest.exported, *(item.name for item in manifest.modules)}
    for name in sorted(declared):
        try:
            parse_module_name(name)
        except InvalidName as error:
            raise coordinate_invalid(manifest.source, error) from None
        if not _is_module(name, own):
            raise BadArchive(
                "foreign-module",
                f"{printable(manifest.source)} declares the module {printable(name)}, but modules "
                f"of this package are called {own} or {own}.something. Rename it and pack again.",
            )
    named = {*manifest.exported, *(item.name for item in manifest.modules if item.export)}
    exported = named | {own} if manifest.exports_default or not named else named
    with_sources = _with_sources(contents, layout, own)
    # The names of all modules begin with that of the default module, so it is sorted first.
    return (
        tuple(sorted(exported & with_sources or {own})),
        tuple(sorted(with_sources - exported)),
        tuple(sorted(named - with_sources)),
    )


def _refuse_large_record(bala: Bala, limit: int) -> None:
    """Refuse facts that do not fit into a release's record."""
    facts: dict[str, object] = {
        "keywords": bala.keywords,
        "authors": bala.authors,
        "licenses": bala.licenses,
        "modules": (*bala.modules, *(bala.internal_modules or ())),
        "dependencies": [each.model_dump() for each in bala.dependencies],
        "tools": bala.tools,
        "the repository, icon and versions": (
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
        raise BadArchive(
            "record-too-large",
            f"The facts that this registry lists of the package have {total:,} bytes, and "
            f"{limit:,} fit. Most of it is in {max(sizes, key=lambda what: sizes[what])}; shorten "
            "that and pack again.",
        )


def _with_sources(contents: ArchiveContents, layout: Layout, own: str) -> set[str]:
    folders = {name.rpartition("/")[0] for name in contents.files if name.endswith(".bal")}
    if layout.manifest.layout == GO_LAYOUT:
        # The Go toolchain reads all folders of modules, and loads none with another name.
        for folder in sorted(folders):
            try:
                parse_module_name(layout.module(folder) or own)
            except InvalidName as error:
                raise coordinate_invalid(folder, error) from None
    found = (layout.module(folder) for folder in folders)
    return {name for name in found if name is not None and _is_module(name, own)}


def _is_module(name: str, own: str) -> bool:
    """Check that a folder's name is that of a module of this package; other files are ignored."""
    try:
        parse_module_name(name)
    except InvalidName:
        return False
    return f"{name}.".startswith(f"{own}.")


def _read_texts(
    contents: ArchiveContents, layout: Layout, exported: tuple[str, ...], policy: Documentation
) -> Texts:
    """Return the texts of the package and its exported modules; refuse missing documentation."""

    def first(names: tuple[str, ...]) -> tuple[str, str]:
        name = next((name for name in names if name in contents.files), "")
        return name, contents.text(name) if name else ""

    name, readme = first(layout.package_texts())
    if layout.requires_documentation and policy is Documentation.REQUIRED:
        documents = (each for each in contents.files if each.startswith("docs/"))
        if not name or not any(each.lower().endswith(".md") for each in documents):
            # The first sentence is that of Central, which scripts look for.
            raise BadArchive(
                "documentation-missing",
                "Package.md is missing in bala file. Describe the package in a README.md beside "
                "Ballerina.toml (Package.md for older clients) and pack again.",
            )
        if not readme.strip():
            raise BadArchive(
                "documentation-empty",
                f"{printable(name)}, which describes the package, is empty. Write a sentence or "
                "more into it and pack again.",
            )
    descriptions = {item.name: item.description for item in layout.manifest.modules}
    modules = list[ModuleText]()
    for module in exported:
        _, text = first(layout.module_texts(module))
        summary = summary_of(descriptions.get(module, ""), text)
        modules.append(ModuleText(name=module, summary=summary, readme=text))
    return Texts(readme=readme, modules=tuple(modules))


_JAVA_CODE = re.compile(r"compiler-plugin/", re.IGNORECASE)
# The Go toolchain compiles and runs `native/*.go` of every package that a project depends on.
_GO_CODE = re.compile(
    rf"{_JAVA_CODE.pattern}|native/.*\.go\Z|CompilerPlugin\.toml\Z", re.IGNORECASE | re.DOTALL
)
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
        if not is_tool_id(tool):
            raise field_invalid(
                TOOL_JSON, "tool_id", f"{printable(tool)} is not valid. {_TOOL_RULE}"
            )
    # `bal tool pull` builds the canonical name itself, so another form would not help.
    platform = manifest.build.platform
    file_name = canonical_file_name(manifest.coordinate, platform)
    if not gives_platform(file_name, manifest.coordinate, platform):
        raise BadArchive(
            "tool-not-pullable",
            f"bal tool pull would not find the platform {platform} in the file name {file_name}. "
            "Rename the package so that its name is no part of its organization, platform or "
            "version, and pack again.",
        )
    return ids


def _runs_in_builds(contents: ArchiveContents, manifest: Manifest) -> bool:
    """Check for code that runs in the builds of users, or could become such."""
    if contents.has(PLUGIN_JSON):
        contents.json(PLUGIN_JSON, PluginJson)
        return True
    runs = _GO_CODE if manifest.layout == GO_LAYOUT else _JAVA_CODE
    return any(runs.match(name) is not None for name in contents.files)


def _icon(contents: ArchiveContents, icon: str) -> str:
    found = (name for name in (icon, f"docs/{icon}") if name in contents.files)
    return next((name for name in found if name.lower().endswith(".png")), "")
