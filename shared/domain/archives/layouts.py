"""The layouts of an archive: where manifests, sources, documentation and the dependency
graph are.
"""

from collections.abc import Mapping, Sequence

from shared.domain.archives.entry_names import fold_case
from shared.domain.archives.manifest import (
    BALA_JSON,
    BALA_TOML,
    BALLERINA_TOML,
    DEPENDENCIES_TOML,
    GRAPH_JSON,
    PACKAGE_JSON,
    BalaJson,
    BalaToml,
    BallerinaToml,
    DependenciesToml,
    GraphItem,
    GraphJson,
    Node,
    NodeName,
    PackageJson,
    Parsed,
    coordinate_in,
    go_manifest,
    java_manifest,
    read_model,
)
from shared.domain.archives.unpacking import ArchiveLimits, ZipArchive
from shared.domain.bounded_parsing import parse_json, parse_toml
from shared.domain.errors.base import BadArchive, printable
from shared.domain.names import Coordinate
from shared.domain.packages import Graph, GraphNode


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
        named, folder = self._readmes.get(module, ""), self.folder(module)
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
    org, name = own.package.org, own.package.name
    nodes = [GraphNode.model_validate(each, from_attributes=True) for each in packages]
    ours = [node for node in nodes if (node.org, node.name) == (org, name)]
    needed = ours[0].dependencies if ours else ()
    first = GraphNode(org=org, name=name, version=own.version.text, dependencies=needed)
    return Graph(nodes=(first, *(node for node in nodes if (node.org, node.name) != (org, name))))
