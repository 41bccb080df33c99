"""Which list of a module's documentation each declaration belongs to.

Central drops definitions whose type is a `float`, `byte`, `json`, `future`, `handle`, `never`,
`readonly`, a literal, or distinct and of another module. They are filed here, too.
"""

from collections import defaultdict
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
    TableTypeDocs,
    Type,
)
from shared.domain.api_docs.resolving import FileScope

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
