"""From the declarations of a package's modules to the documentation of its release."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.ballerina.syntax import SourceFile
from shared.domain.api_docs.declarations import Declarations
from shared.domain.api_docs.document_room import (
    DOCUMENT_LIMIT_BYTES,
    DocumentRoom,
    DocumentTooLargeError,
)
from shared.domain.api_docs.filing import Filing
from shared.domain.api_docs.inclusions import Inclusions
from shared.domain.api_docs.model import (
    DocsModel,
    DocsState,
    ModuleDocs,
    ModuleSummary,
    PackageDocs,
    UnreadSource,
)
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.api_docs.resolving import FileScope, PackageNames
from shared.domain.api_docs.types import TypeTrees
from shared.domain.names import Coordinate
from shared.domain.packages import Graph

TOO_LARGE = f"The documentation of the module would be larger than {DOCUMENT_LIMIT_BYTES >> 20} MB."

NO_TIME_LEFT = "There was no time left to document the declaration and those after it."

MAX_NAME_LENGTH = 256  # Characters, of a declaration; the paths of all its members repeat it.
NAME_TOO_LONG = f"The name of the declaration has more than {MAX_NAME_LENGTH} characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSource:
    """A module with the declarations of its files, without those of its tests.

    Modules that are not exported are not documented, but their types are resolved.
    """

    name: str  # The full name: `redis`, `redis.cache`.
    files: tuple[SourceFile, ...]
    readme: str = ""
    summary: str = ""
    is_exported: bool = True


@dataclass(frozen=True, slots=True)
class PackageSources:
    """The sources of a release: all modules, the default module first."""

    coordinate: Coordinate
    modules: tuple[ModuleSource, ...]

    def is_default(self, module: ModuleSource) -> bool:
        return module.name == self.coordinate.package.name


def generate(
    sources: PackageSources, graph: Graph, is_late: Callable[[], bool] = lambda: False
) -> PackageDocs:
    """Return the documentation of a release. `graph` has the versions of other packages.

    Lines that could not be read are reported, and so are declarations that would make the document
    of a module larger than `DOCUMENT_LIMIT_BYTES`, and those that are left once `is_late`.
    """
    generator = DocsGenerator(sources, graph, is_late)
    made = [generator.module(each) for each in generator.exported]
    unread = tuple(line for _, lines in made for line in lines)
    state = DocsState.PARTIAL if unread else DocsState.DONE
    return PackageDocs(tuple(module for module, _ in made), state, GENERATOR_VERSION, unread)


@dataclass(slots=True)
class DocsGenerator:
    """Generates the documentation of a release, one module after another."""

    sources: PackageSources
    graph: Graph
    is_late: Callable[[], bool] = lambda: False
    names: PackageNames = field(init=False)
    scopes: dict[str, list[tuple[SourceFile, FileScope]]] = field(init=False)

    def __post_init__(self) -> None:
        coordinate = self.sources.coordinate
        modules = [module.name for module in self.sources.modules]
        self.names = PackageNames.of(
            coordinate.package.org, str(coordinate.version), modules, self.graph
        )
        self.scopes = {
            module.name: [
                (file, self.names.add(self.names.modules[module.name], file))
                for file in module.files
            ]
            for module in self.sources.modules
        }

    @property
    def exported(self) -> list[ModuleSource]:
        return [module for module in self.sources.modules if module.is_exported]

    def module(self, module: ModuleSource) -> tuple[ModuleDocs, tuple[UnreadSource, ...]]:
        """Return the documentation of an exported module, and what could not be documented."""
        unread = list[UnreadSource]()
        lists = self._lists(module, unread)
        exported = self.exported
        related = tuple(map(self._summary, exported)) if len(exported) > 1 else ()
        docs = ModuleDocs.model_validate(
            {name: tuple(sorted(found, key=_name)) for name, found in lists.items()}
            | {
                "related_modules": related,
                "id": module.name,
                "summary": module.summary,
                "description": module.readme,
                "org_name": self.names.org,
                "version": self.names.version,
                "is_default_module": self.sources.is_default(module),
            }
        )
        return docs, tuple(unread)

    def _summary(self, module: ModuleSource) -> ModuleSummary:
        return ModuleSummary(
            id=module.name,
            summary=module.summary,
            org_name=self.names.org,
            version=self.names.version,
            is_default_module=self.sources.is_default(module),
        )

    def _lists(
        self, module: ModuleSource, unread: list[UnreadSource]
    ) -> dict[str, list[DocsModel]]:
        room = DocumentRoom()
        inclusions = Inclusions(self.names, room)
        types = TypeTrees(self.names, inclusions, room)
        filing = Filing(Declarations(self.names, inclusions, types, room))
        for file, scope in self.scopes[module.name]:
            unread += _unread(module, file)
            unread += self._left_out(module, file, filing, scope)
        return filing.lists

    def _left_out(
        self, module: ModuleSource, file: SourceFile, filing: Filing, scope: FileScope
    ) -> Iterator[UnreadSource]:
        """Add the declarations of a file, and yield the lines that are not documented."""
        for declaration in file.declarations:
            first, last = declaration.position.line, file.declarations[-1].position.line
            if self.is_late():
                yield UnreadSource(module.name, file.path, first, last, NO_TIME_LEFT)
                return
            if len(declaration.name) > MAX_NAME_LENGTH:
                yield UnreadSource(module.name, file.path, first, first, NAME_TOO_LONG)
                continue
            try:
                filing.add(declaration, scope)
            except DocumentTooLargeError:
                yield UnreadSource(module.name, file.path, first, last, TOO_LARGE)
                return


def _unread(module: ModuleSource, file: SourceFile) -> Iterator[UnreadSource]:
    for each in file.unread:
        yield UnreadSource(module.name, each.file, each.first, each.last, each.reason)


def _name(docs: DocsModel) -> str:
    return getattr(docs, "name", "").lower()
