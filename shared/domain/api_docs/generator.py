"""From the declarations of a package's modules to the documentation of its release."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

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
    AliasDocs,
    ClientDocs,
    DocsModel,
    ErrorDocs,
    ListenerDocs,
    MapTypeDocs,
    ModuleDocs,
    ModuleSummary,
    TableTypeDocs,
    Type,
)
from shared.domain.api_docs.records import UnreadLines
from shared.domain.api_docs.resolving import FileScope, Inclusions, PackageNames
from shared.domain.api_docs.types import TypeTrees
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph

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
_CLASS_LISTS: dict[type, str] = {ClientDocs: "clients", ListenerDocs: "listeners"}


class Alias(Struct, frozen=True):
    """A type definition without what surrounds its type: `?`, `distinct`, parentheses and
    `readonly &`."""

    definition: TypeDefinition
    scope: FileScope
    node: TypeNode
    is_nullable: bool = False
    is_distinct: bool = False
    is_read_only: bool = False


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
        made: DocsModel
        match node:
            case FunctionNode():
                name = "functions"
                made = self.declarations.function(node, scope)
            case ClassDefinition():
                made = self.declarations.class_(node, scope)
                name = _CLASS_LISTS.get(type(made), "classes")
            case EnumDefinition():
                name = "enums"
                made = self.declarations.enum(node)
            case AnnotationDefinition():
                name = "annotations"
                made = self.declarations.annotation(node, scope)
            case VariableDefinition(kind=VariableKind.CONSTANT):
                name = "constants"
                made = self.declarations.constant(node, scope)
            case VariableDefinition():
                is_configurable = node.kind is VariableKind.CONFIGURABLE
                name = "configurables" if is_configurable else "variables"
                made = self.declarations.variable(node, scope)
            case _:
                name, made = self._type(_alias(node, scope))
        self.lists[name].append(made)

    def _type(self, alias: Alias) -> tuple[str, DocsModel]:
        """Return the list of a type definition, and its documentation."""
        definition = alias.definition
        node = alias.node
        scope = alias.scope
        flags = {"is_nullable": alias.is_nullable, "is_read_only": alias.is_read_only}
        flags = {name: flag for name, flag in flags.items() if flag}
        match node:
            case RecordType():
                record = self.declarations.record(definition, node, scope)
                return "records", record.model_copy(update=flags)
            case ObjectType():
                docs = self.declarations.object_type(definition, node, scope)
                kind = "service_types" if docs.is_service else "object_types"
                flags |= {"is_distinct": alias.is_distinct}
                return kind, docs.model_copy(update=flags)
            case TableType():
                keys = self.declarations.types.keys(node, scope)
                return "table_types", TableTypeDocs(
                    **self.declarations.shared(definition),
                    row_parameter_type=self._whole(alias),
                    key_constraint=keys,
                )
            case BuiltinType(name="map"):
                shared = self.declarations.shared(definition)
                return "map_types", MapTypeDocs(**shared, map_parameter_type=self._whole(alias))
            case _ if self._is_error(alias):
                tree = self._whole(alias)
                is_plain = isinstance(node, BuiltinType)
                return "errors", ErrorDocs(
                    **self.declarations.shared(definition),
                    detail_type=next(iter(tree.type_parameters), None) if is_plain else tree,
                    is_distinct=alias.is_distinct,
                    definition=tree,
                )
            case _:
                return _alias_list(alias), self._alias(alias)

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
        return AliasDocs(**self.declarations.shared(alias.definition)).model_copy(update=shape)


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
    if isinstance(node, TypeReference | IntersectionType) and alias.is_distinct:
        return "types"
    if isinstance(node, BuiltinType):
        return _BUILTIN_LISTS.get(node.name, "simple_name_reference_types")
    return _LISTS.get(type(node), "simple_name_reference_types")


MAX_NAME_LENGTH = 256  # Characters, of a declaration; the paths of all its members repeat it.
NAME_TOO_LONG = f"The name of the declaration has more than {MAX_NAME_LENGTH} characters."


class ModuleSource(Struct, frozen=True, kw_only=True):
    """A module with the declarations of its files, without those of its tests.

    Modules that are not exported are not documented, but their types are resolved.
    """

    name: str  # The full name: `redis`, `redis.cache`.
    files: tuple[SourceFile, ...]
    readme: str = ""
    summary: str = ""
    is_exported: bool = True


@dataclass(slots=True)
class DocsGenerator:
    """Generates the documentation of a release, one module after another."""

    coordinate: Coordinate
    modules: Sequence[ModuleSource]  # All of them, the default module first.
    graph: Graph
    names: PackageNames = field(init=False)
    scopes: dict[str, list[tuple[SourceFile, FileScope]]] = field(init=False)

    def __post_init__(self) -> None:
        org = self.coordinate.package.org
        version = str(self.coordinate.version)
        modules = [module.name for module in self.modules]
        self.names = PackageNames.of(org, version, modules, self.graph)
        self.scopes = {
            module.name: [
                (file, self.names.add(self.names.modules[module.name], file))
                for file in module.files
            ]
            for module in self.modules
        }

    @property
    def exported(self) -> list[ModuleSource]:
        return [module for module in self.modules if module.is_exported]

    def module(self, module: ModuleSource) -> tuple[ModuleDocs, tuple[UnreadLines, ...]]:
        """Return the documentation of an exported module, and what could not be documented: lines
        that could not be read, and declarations with names that are too long."""
        inclusions = Inclusions(self.names)
        types = TypeTrees(self.names, inclusions)
        filing = Filing(Declarations(self.names, inclusions, types))
        unread = list[UnreadLines]()
        for file, scope in self.scopes[module.name]:
            for each in file.unread:
                unread.append(_unread(module, each.file, each.first, each.last, each.reason))
            for declaration in file.declarations:
                if len(declaration.name) > MAX_NAME_LENGTH:
                    line = declaration.position.line
                    unread.append(_unread(module, file.path, line, line, NAME_TOO_LONG))
                else:
                    filing.add(declaration, scope)
        exported = self.exported
        docs = ModuleDocs.model_validate(
            {
                name: tuple(sorted(found, key=lambda each: getattr(each, "name", "").lower()))
                for name, found in filing.lists.items()
            }
            | dict(self._summary(module))
            | {
                "related_modules": tuple(map(self._summary, exported)) if exported[1:] else (),
                "description": module.readme,
            }
        )
        return docs, tuple(unread)

    def _summary(self, module: ModuleSource) -> ModuleSummary:
        return ModuleSummary(
            id=module.name,
            summary=module.summary,
            org_name=self.names.org,
            version=self.names.version,
            is_default_module=module.name == self.coordinate.package.name,
        )


def _unread(module: ModuleSource, file: str, first: int, last: int, reason: str) -> UnreadLines:
    return UnreadLines(module=module.name, file=file, first=first, last=last, reason=reason)
