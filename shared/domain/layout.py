"""The two families of layouts: where a bala keeps its manifests, sources and documentation."""

from typing import Protocol

from shared.domain.bad_archive import LayoutAmbiguous
from shared.domain.contents import Contents
from shared.domain.graph import locked_graph, recorded_graph
from shared.domain.manifest import (
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
    GraphJson,
    Manifest,
    PackageJson,
    go_manifest,
    java_manifest,
)
from shared.domain.package import Graph


class Layout(Protocol):
    """Where a bala keeps things; folders have no slash at the end, and the root is empty."""

    @property
    def manifest(self) -> Manifest:
        """What the bala says of itself."""
        ...

    def graph(self) -> Graph:
        """Return the recorded dependencies."""
        ...

    def folder(self, module: str) -> str:
        """Return the folder that holds the sources of `module`."""
        ...

    def module(self, folder: str) -> str | None:
        """Return the module whose sources belong into `folder`."""
        ...

    def package_texts(self) -> tuple[str, ...]:
        """Return the names of the package's text; the first that exists counts."""
        ...

    def module_texts(self, module: str) -> tuple[str, ...]:
        """Return the names of a module's text; the first that exists counts."""
        ...

    @property
    def documentation_folder(self) -> str | None:
        """The folder that must hold documentation; None where documentation is optional."""
        ...


def read_layout(contents: Contents) -> Layout:
    """Return the layout of a bala with its manifest, or refuse it."""
    if not contents.has(BALA_TOML):
        return JavaLayout(contents)
    if contents.has(PACKAGE_JSON):
        raise LayoutAmbiguous
    return GoLayout(contents)


class JavaLayout:
    """Layouts 2 and 3: every module in a folder of its full name, texts under `docs`."""

    documentation_folder = "docs"

    def __init__(self, contents: Contents) -> None:
        """Read the manifests."""
        package = contents.json(PACKAGE_JSON, PackageJson)
        self.manifest = java_manifest(contents.json(BALA_JSON, BalaJson), package)
        self._contents = contents
        self._readmes = {item.name: item.readme for item in self.manifest.modules}

    def graph(self) -> Graph:
        """Return the graph of `dependency-graph.json`, which may be absent."""
        own = self.manifest.coordinate
        if not self._contents.has(GRAPH_JSON):
            return recorded_graph(own, GraphJson())
        return recorded_graph(own, self._contents.json(GRAPH_JSON, GraphJson))

    def folder(self, module: str) -> str:
        """Return `modules/` and the module's full name."""
        return f"modules/{module}"

    def module(self, folder: str) -> str | None:
        """Return the module that the folder is named for."""
        parent, _, module = folder.rpartition("/")
        return module if parent == "modules" else None

    def package_texts(self) -> tuple[str, ...]:
        """Return the text that the manifest names, then those of newer and older clients."""
        own = f"docs/modules/{self.manifest.coordinate.package.name}"
        return (
            self.manifest.readme,
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
    """Layout 4: the author's project as it is, the default module at the root."""

    documentation_folder = None

    def __init__(self, contents: Contents) -> None:
        """Read the manifests."""
        ballerina = contents.toml(BALLERINA_TOML, BallerinaToml)
        self.manifest = go_manifest(contents.toml(BALA_TOML, BalaToml), ballerina)
        self._contents = contents
        self._name = self.manifest.coordinate.package.name
        self._readmes = {item.name: item.readme for item in self.manifest.modules}

    def graph(self) -> Graph:
        """Return the graph of `Dependencies.toml`, which may be absent."""
        own = self.manifest.coordinate
        if not self._contents.has(DEPENDENCIES_TOML):
            return locked_graph(own, DependenciesToml())
        return locked_graph(own, self._contents.toml(DEPENDENCIES_TOML, DependenciesToml))

    def folder(self, module: str) -> str:
        """Return the root for the default module, else `modules/` and what follows its name."""
        inner = module.removeprefix(f"{self._name}.")
        return "" if module == self._name else f"modules/{inner}"

    def module(self, folder: str) -> str | None:
        """Return the module of the root or of a folder in `modules`."""
        parent, _, inner = folder.rpartition("/")
        if folder == "":
            return self._name
        return f"{self._name}.{inner}" if parent == "modules" else None

    def package_texts(self) -> tuple[str, ...]:
        """Return the text that the manifest names, then the project's own."""
        return (self.manifest.readme, "README.md", "Package.md")

    def module_texts(self, module: str) -> tuple[str, ...]:
        """Return the texts beside the module's sources; the root's is the package's."""
        folder = self.folder(module)
        if not folder:
            return ()
        return (self._readmes.get(module, ""), f"{folder}/README.md", f"{folder}/Module.md")
