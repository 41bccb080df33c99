"""From the declarations of a package's modules to the documentation of its release."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from shared.ballerina.syntax import (
    AnnotationDefinition,
    ArrayType,
    BuiltinType,
    ClassDefinition,
    Declaration,
    DistinctType,
    EnumDefinition,
    FunctionNode,
    FunctionType,
    IntersectionType,
    ObjectType,
    OptionalType,
    ParenthesizedType,
    RecordType,
    SingletonType,
    SourceFile,
    TableType,
    TupleType,
    TypeDefinition,
    TypeNode,
    TypeReference,
    UnionType,
    VariableDefinition,
    VariableKind,
)
from shared.domain.api_docs.declarations import Declarations
from shared.domain.api_docs.model import (
    DOCUMENT_LIMIT_BYTES,
    AliasDocs,
    ClientDocs,
    DocsModel,
    DocsState,
    DocumentRoom,
    DocumentTooLargeError,
    ErrorDocs,
    ListenerDocs,
    MapTypeDocs,
    ModuleDocs,
    ModuleSummary,
    PackageDocs,
    TableTypeDocs,
    Type,
    UnreadSource,
)
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.api_docs.resolving import FileScope, Inclusions, PackageNames
from shared.domain.api_docs.types import TypeTrees
from shared.domain.names import Coordinate
from shared.domain.packages import Graph

# Annotations of types that the language itself defines; they are listed without `public`.
LANGUAGE_TYPES = frozenset(("typeParam", "builtinSubtype"))

_BUILTIN_LISTS = {
    "int": "integer_types",
    "decimal": "decimal_types",
    "xml": "xml_types",
    "anydata": "any_data_types",
    "string": "string_types",
    "any": "any_types",
    "boolean": "boolean_types",
    "stream": "stream_types",
    "typedesc": "type_descriptor_types",
}
_LISTS: dict[type, str] = {
    UnionType: "union_types",
    SingletonType: "union_types",
    IntersectionType: "intersection_types",
    TupleType: "tuple_types",
    FunctionType: "function_types",
    ArrayType: "array_types",
}


@dataclass(frozen=True, slots=True)
class Alias:
    """A type definition without what surrounds its type: `?`, `distinct`, parentheses and
    `readonly &`."""

    definition: TypeDefinition
    scope: FileScope
    node: TypeNode
    is_nullable: bool = False
    is_distinct: bool = False
    is_read_only: bool = False

    @property
    def flags(self) -> dict[str, bool]:
        """The flags of a record or object type."""
        flags = {"is_nullable": self.is_nullable, "is_read_only": self.is_read_only}
        return {name: flag for name, flag in flags.items() if flag}


@dataclass(frozen=True, slots=True)
class Filing:
    """Collects the documentation of declarations in the lists of a module."""

    declarations: Declarations
    lists: defaultdict[str, list[DocsModel]] = field(
        default_factory=lambda: defaultdict[str, list[DocsModel]](list)
    )

    def add(self, node: Declaration, scope: FileScope) -> None:
        """Add a declaration to its list, if it is documented."""
        if not _is_documented(node):
            return
        match node:
            case FunctionNode():
                self.lists["functions"].append(self.declarations.function(node, scope))
            case ClassDefinition():
                self._add_class(node, scope)
            case EnumDefinition():
                self.lists["enums"].append(self.declarations.enum(node))
            case AnnotationDefinition():
                self.lists["annotations"].append(self.declarations.annotation(node, scope))
            case VariableDefinition():
                self._add_variable(node, scope)
            case _:
                self._add_type(_alias(node, scope))

    def _add_class(self, node: ClassDefinition, scope: FileScope) -> None:
        docs = self.declarations.class_(node, scope)
        if isinstance(docs, ClientDocs):
            self.lists["clients"].append(docs)
        elif isinstance(docs, ListenerDocs):
            self.lists["listeners"].append(docs)
        else:
            self.lists["classes"].append(docs)

    def _add_variable(self, node: VariableDefinition, scope: FileScope) -> None:
        match node.kind:
            case VariableKind.CONSTANT:
                self.lists["constants"].append(self.declarations.constant(node, scope))
            case VariableKind.CONFIGURABLE:
                self.lists["configurables"].append(self.declarations.variable(node, scope))
            case _:
                self.lists["variables"].append(self.declarations.variable(node, scope))

    def _add_type(self, alias: Alias) -> None:
        match alias.node:
            case RecordType():
                record = self.declarations.record(alias.definition, alias.node, alias.scope)
                self.lists["records"].append(record.model_copy(update=alias.flags))
            case ObjectType():
                self._add_object_type(alias, alias.node)
            case TableType():
                self._add_table(alias, alias.node)
            case BuiltinType(name="map"):
                keys = self.declarations.defined(alias.definition)
                tree = self._whole(alias)
                self.lists["map_types"].append(MapTypeDocs(**keys, map_parameter_type=tree))
            case _ if self._is_error(alias):
                self._add_error(alias)
            case _:
                self.lists[_alias_list(alias)].append(self._alias(alias))

    def _add_object_type(self, alias: Alias, node: ObjectType) -> None:
        docs = self.declarations.object_type(alias.definition, node, alias.scope)
        kind = "service_types" if docs.is_service else "object_types"
        flags = alias.flags | {"is_distinct": alias.is_distinct}
        self.lists[kind].append(docs.model_copy(update=flags))

    def _add_table(self, alias: Alias, node: TableType) -> None:
        keys = self.declarations.types.keys(node, alias.scope)
        self.lists["table_types"].append(
            TableTypeDocs(
                **self.declarations.defined(alias.definition),
                row_parameter_type=self._whole(alias),
                key_constraint=keys,
            )
        )

    def _whole(self, alias: Alias) -> Type:
        tree = self.declarations.types.tree(alias.node, alias.scope)
        return tree.model_copy(update={"is_nullable": True}) if alias.is_nullable else tree

    def _is_error(self, alias: Alias) -> bool:
        names = self.declarations.names
        if isinstance(alias.node, IntersectionType):
            return alias.is_distinct and names.category_of(alias.node, alias.scope) == "errors"
        if isinstance(alias.node, TypeReference) and alias.is_distinct and alias.node.prefix:
            # What another package defines is not known here. Errors have such names.
            return alias.node.name.endswith("Error")
        return names.category_of(alias.node, alias.scope) == "errors"

    def _add_error(self, alias: Alias) -> None:
        tree = self._whole(alias)
        is_plain = isinstance(alias.node, BuiltinType)
        detail = next(iter(tree.type_parameters), None) if is_plain else tree
        self.lists["errors"].append(
            ErrorDocs(
                **self.declarations.defined(alias.definition),
                detail_type=detail,
                is_distinct=alias.is_distinct,
                definition=tree,
            )
        )

    def _alias(self, alias: Alias) -> AliasDocs:
        tree = self.declarations.types.tree(alias.node, alias.scope)
        shape: dict[str, bool | Type | tuple[Type, ...] | None] = {
            "is_anonymous_union_type": True,
            "member_types": (tree,),
        }
        if tree.is_type_desc:
            shape = {"is_type_desc": True, "element_type": tree.element_type}
        elif tree.is_intersection_type:
            shape = {"is_intersection_type": True, "member_types": tree.member_types}
        elif tree.is_tuple:
            shape = {"is_tuple": True, "member_types": tree.member_types}
        elif tree.is_anonymous_union_type:
            shape["member_types"] = tree.member_types
        shape |= {"is_nullable": alias.is_nullable, "is_distinct": alias.is_distinct}
        return AliasDocs(**self.declarations.defined(alias.definition)).model_copy(update=shape)


def _is_documented(node: Declaration) -> bool:
    if isinstance(node, FunctionNode | ClassDefinition):
        return "public" in node.qualifiers
    is_configurable = (
        isinstance(node, VariableDefinition) and node.kind is VariableKind.CONFIGURABLE
    )
    is_language_type = isinstance(node, TypeDefinition) and any(
        each.name in LANGUAGE_TYPES for each in node.annotations
    )
    return node.is_public or is_configurable or is_language_type


def _alias(definition: TypeDefinition, scope: FileScope) -> Alias:
    alias = Alias(definition, scope, definition.type)
    while True:
        match alias.node:
            case OptionalType(type=inner):
                alias = replace(alias, node=inner, is_nullable=True)
            case ParenthesizedType(type=inner):
                alias = replace(alias, node=inner)
            case DistinctType(type=inner):
                alias = replace(alias, node=inner, is_distinct=True)
            case IntersectionType(members=members):
                typed = [each for each in members if each != BuiltinType("readonly")]
                if len(typed) != 1 or not isinstance(typed[0], RecordType | ObjectType):
                    return alias
                alias = replace(alias, node=typed[0], is_read_only=True)
            case _:
                return alias


def _alias_list(alias: Alias) -> str:
    node = alias.node
    if isinstance(node, TypeReference) and alias.is_distinct:
        return "types"
    if isinstance(node, BuiltinType):
        return _BUILTIN_LISTS.get(node.name, "simple_name_reference_types")
    if isinstance(node, IntersectionType) and alias.is_distinct:
        return "types"
    return _LISTS.get(type(node), "simple_name_reference_types")


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
