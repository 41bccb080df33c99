"""Type descriptors as the trees of the documentation, with the releases that define their names."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from shared.ballerina.doc_comments import is_marked_deprecated, markdown
from shared.ballerina.syntax import (
    NO_COMMENT,
    ArrayType,
    BuiltinType,
    ClassDefinition,
    DistinctType,
    EnumDefinition,
    FieldNode,
    FunctionNode,
    FunctionType,
    IntersectionType,
    ObjectType,
    OptionalType,
    ParameterKind,
    ParameterNode,
    ParenthesizedType,
    RecordType,
    SingletonType,
    TableType,
    TupleType,
    TypeDefinition,
    TypeNode,
    TypeReference,
    UnionType,
)
from shared.domain.api_docs.model import FieldFacts, IncludedFunction, Type
from shared.domain.api_docs.resolving import (
    Definition,
    FileScope,
    Inclusions,
    ModuleAddress,
    Named,
    OwnedField,
    OwnedMethod,
    PackageNames,
    Structure,
    structural_part,
    structure_of,
    unquoted,
)

# A type that is nested deeper is cut. Each level takes up to three of JSON, of which parsers
# allow 200; a method takes two levels.
DEPTH_LIMIT = 50
CUT = "…"

# Types of this package that are not public are expanded where they are used, until one tree has
# this many parts; what follows is only named.
EXPANSION_LIMIT = 1_000


class TypeContext(Struct, frozen=True):
    """Where a type is used."""

    scope: FileScope
    parameters: frozenset[str] = frozenset()  # Names that a return type may depend on.
    expanded: frozenset[Definition] = frozenset()
    is_in_stream: bool = False


class TypeTrees(Struct):
    """Builds the trees of types."""

    names: PackageNames
    inclusions: Inclusions
    _expansion: int = 0
    _depth: int = 0

    def tree(
        self, node: TypeNode, scope: FileScope, parameters: frozenset[str] = frozenset()
    ) -> Type:
        self._expansion = self._depth = 0
        return self._tree(node, TypeContext(scope, parameters=parameters))

    def parameter(self, node: ParameterNode, scope: FileScope) -> Type:
        self._expansion = self._depth = 0
        return self._parameter(node, TypeContext(scope))

    def rest(self, node: TypeNode, scope: FileScope) -> Type:
        """Return the type of a record's rest field."""
        self._expansion = self._depth = 0
        return self._rest(node, TypeContext(scope))

    def public_reference(self, definition: Definition, scope: FileScope) -> Type:
        """Return the reference to a public definition that is included."""
        return self._named(definition, scope).model_copy(update={"is_public": True})

    def inclusion(self, definition: Definition, structure: Structure, scope: FileScope) -> Type:
        """Return the reference to a public definition, with the fields that are taken over."""
        self._expansion = self._depth = 0
        context = TypeContext(structure.scope, expanded=frozenset((definition,)))
        members = self._fields(structure, context, self._included_field)
        return self.public_reference(definition, scope).model_copy(update={"member_types": members})

    def keys(self, table: TableType, scope: FileScope) -> Type | None:
        """Return the key constraint of a table, if there is one."""
        self._expansion = self._depth = 0
        return self._keys(table, TypeContext(scope))

    def _tree(self, node: TypeNode, context: TypeContext) -> Type:
        if self._depth >= DEPTH_LIMIT:
            return self._text(CUT)
        self._expansion += 1 if context.expanded else 0
        self._depth += 1
        match node:
            case SingletonType() | ObjectType():
                tree = self._text(node.text)
            case DistinctType(type=inner):
                tree = self._tree(inner, context).model_copy(update={"is_distinct": True})
            case OptionalType(type=inner):
                tree = self._tree(inner, context).model_copy(update={"is_nullable": True})
            case ParenthesizedType(type=inner):
                tree = Type(is_parenthesised_type=True, element_type=self._tree(inner, context))
            case BuiltinType():
                tree = self._builtin(node, context)
            case TypeReference():
                tree = self._reference(node, context)
            case FunctionType():
                tree = self._function(node, context)
            case RecordType():
                tree = self._record(node, context)
            case _:
                tree = self._composed(node, context)
        self._depth -= 1
        return tree

    def _composed(
        self,
        node: ArrayType | IntersectionType | TableType | TupleType | UnionType,
        context: TypeContext,
    ) -> Type:
        match node:
            case ArrayType():
                return Type(
                    is_array_type=True,
                    element_type=self._tree(node.element, context),
                    array_dimensions=len(node.lengths),
                    array_lengths=node.lengths if any(node.lengths) else (),
                )
            case TableType():
                return Type(
                    name="table",
                    category="table",
                    constraint=self._tree(node.row, context),
                    key_constraint=self._keys(node, context),
                )
            case UnionType() | IntersectionType() | TupleType():
                members = tuple(self._tree(each, context) for each in node.members)
        if isinstance(node, TupleType):
            rest = (self._rest(node.rest, context),) if node.rest else ()
            return Type(is_tuple=True, member_types=(*members, *rest))
        is_union = isinstance(node, UnionType)
        return Type(
            is_anonymous_union_type=is_union,
            is_intersection_type=not is_union,
            member_types=members,
        )

    def _text(self, text: str) -> Type:
        return Type(name=text, category="other", generate_user_defined_type_link=False)

    def _builtin(self, node: BuiltinType, context: TypeContext) -> Type:
        if not node.parameters and node.name not in ("future", "typedesc"):
            return Type(name=node.name, category="builtin")
        is_in_stream = node.name == "stream"
        if is_in_stream != context.is_in_stream:
            context = replace(context, is_in_stream=is_in_stream)
        parameters = tuple(self._tree(each, context) for each in node.parameters)
        first = parameters[0] if parameters else None
        match node.name:
            case "map":
                return Type(name="map", category="map", constraint=first)
            case "stream":
                return Type(name="stream", category="stream", member_types=parameters)
            case "future":
                return Type(category="future", element_type=first)
            case "typedesc":
                return Type(is_type_desc=True, element_type=first)
            case name:
                return Type(name=name, category="builtin", type_parameters=parameters)

    def _rest(self, node: TypeNode, context: TypeContext) -> Type:
        return Type(is_rest_param=True, element_type=self._tree(node, context))

    def _keys(self, node: TableType, context: TypeContext) -> Type | None:
        if node.key_type:
            key = self._tree(node.key_type, context)
            return Type(name="key", category="key", constraint=key)
        if node.key_fields is None:
            return None
        members = tuple(self._text(each) for each in node.key_fields)
        return Type(name="key", category="key", member_types=members)

    def _function(self, node: FunctionType, context: TypeContext) -> Type:
        parameters = node.parameters or ()
        names = tuple(each.name for each in parameters)
        return Type(
            is_lambda=True,
            is_isolated="isolated" in node.qualifiers,
            is_extern=False,
            name="function" if node.parameters is None else None,
            param_types=tuple(self._parameter(each, context) for each in parameters),
            param_names=names if any(names) else (),
            return_type=self._tree(node.returns, context) if node.returns else None,
        )

    def _parameter(self, node: ParameterNode, context: TypeContext) -> Type:
        tree = self._tree(node.type, context)
        match node.kind:
            case ParameterKind.REST:
                return Type(
                    name=node.name, category="builtin", is_rest_param=True, element_type=tree
                )
            case ParameterKind.INCLUDED:
                return tree.model_copy(update={"is_inclusion": True})
            case _:
                return tree

    def _record(self, node: RecordType, context: TypeContext) -> Type:
        structure = Structure(node.members, NO_COMMENT, context.scope, node.rest, is_record=True)
        is_closed = node.is_exclusive and not node.rest
        category = "inline_closed_record" if is_closed else "inline_record"
        return Type(category=category, member_types=self._fields(structure, context))

    def _fields(
        self,
        structure: Structure,
        context: TypeContext,
        member: "Callable[[OwnedField, TypeContext], Type] | None" = None,
    ) -> tuple[Type, ...]:
        member = member or self._field
        fields = tuple(member(each, context) for each in self.inclusions.fields(structure))
        if structure.rest:
            rest = self._rest(structure.rest, _within(structure.scope, context))
            fields += (Type(element_type=rest),)
        return fields

    def _field(self, field: OwnedField, context: TypeContext) -> Type:
        tree = self._tree(field.node.type, _within(field.owner.scope, context))
        if field.node.is_optional:
            tree = tree.model_copy(update={"is_optional": True})
        description = field.description.rstrip("\n") if context.expanded else ""
        return Type(
            name=field.node.name,
            description=description or None,
            element_type=tree,
            field=_facts(field.node),
        )

    def _included_field(self, field: OwnedField, context: TypeContext) -> Type:
        """Return a member of an inclusion, from which `all_fields` makes a field again."""
        member = self._field(field, context)
        node = field.node
        text = markdown(node.comment.text)
        origin = self._named(field.origin, context.scope) if field.origin else None
        texts = {
            "description_sections": node.comment.sections,
            "documentation": "" if text.strip() in ("", member.description) else text,
            "origin": origin,
        }
        if not any(texts.values()):
            return member
        facts = (member.field or FieldFacts()).model_copy(update=texts)
        return member.model_copy(update={"field": facts})

    def _reference(self, node: TypeReference, context: TypeContext) -> Type:
        if not node.prefix and node.name in context.parameters:
            # A type that is an argument of the same call.
            if context.is_in_stream:
                return _located(_UNKNOWN_MODULE, node.name, "reference")
            return _unresolved(node.name)
        definition = self.names.definition(node, context.scope)
        if definition is None:
            return self._external(node, context)
        if definition.is_public or definition.scope.module is not context.scope.module:
            return self._named(definition, context.scope)
        return self._expanded(definition, context)

    def _external(self, node: TypeReference, context: TypeContext) -> Type:
        if node.prefix:
            address = self.names.module_at(node.prefix, context.scope)
            if address:
                return _located(address, node.name, "libs")
            return _unresolved(node.name).model_copy(update={"module_name": node.prefix})
        module = context.scope.module
        constant = module.constants.get(unquoted(node.name))
        if constant is None:
            return _unresolved(node.name)
        named = _located(module.address, node.name, "constants")
        if constant.is_public:
            return named
        value = self._text(constant.value)
        update = {"generate_user_defined_type_link": False, "definition": value}
        return named.model_copy(update=update)

    def _named(self, definition: Definition, scope: FileScope) -> Type:
        module = definition.scope.module
        category = self.names.category(definition) if module is scope.module else "libs"
        return _located(module.address, definition.node.name, category)

    def _expanded(self, definition: Definition, context: TypeContext) -> Type:
        """Return a type that is not public, with its definition in place."""
        node = definition.node
        if definition in context.expanded or self._expansion > EXPANSION_LIMIT:
            return _unresolved(node.name)
        chain = context.expanded | {definition}
        inner = replace(context, scope=definition.scope, expanded=chain)
        if isinstance(node, EnumDefinition):
            members = tuple(self._text(each.value or each.name) for each in node.members)
            return Type(name=node.name, is_anonymous_union_type=True, member_types=members)
        if isinstance(node, ClassDefinition):
            structure = Structure(node.members, node.comment, inner.scope)
        elif not (structure := structure_of(structural_part(node.type), node.comment, inner.scope)):
            return self._expanded_alias(node, inner)
        return self._expanded_structure(node, structure, inner)

    def _expanded_structure(self, node: Named, structure: Structure, context: TypeContext) -> Type:
        members = self._fields(structure, context)
        methods = self.inclusions.methods(structure)
        is_nullable = isinstance(node, TypeDefinition) and isinstance(node.type, OptionalType)
        functions = tuple(self._method(each, context) for each in methods)
        description = node.comment.description.rstrip("\n")
        return Type(
            name=node.name,
            description=description,
            category="inline_record" if structure.is_record else None,
            is_nullable=is_nullable,
            member_types=members,
            function_types=None if structure.is_record else functions,
        )

    def _expanded_alias(self, node: TypeDefinition, context: TypeContext) -> Type:
        tree = self._tree(node.type, context)
        if tree.module_name or tree.category == "reference":
            return tree  # The type is documented under its own name.
        is_name_lost = tree.category in ("builtin", "other")
        update = {"name": node.name, "definition": tree if is_name_lost else None}
        return tree.model_copy(update=update)

    def _method(self, method: OwnedMethod, context: TypeContext) -> IncludedFunction:
        node = method.node
        inner = _within(method.owner.scope, context)
        description = node.comment.description.rstrip("\n")
        self._depth += 1
        parameters = tuple(
            Type(name=each.name, element_type=self._parameter(each, inner))
            for each in node.parameters
        )
        returned = self._tree(node.returns, inner) if node.returns else None
        self._depth -= 1
        return IncludedFunction(
            accessor=node.accessor,
            resource_path=node.resource_path,
            is_isolated="isolated" in node.qualifiers,
            function_kind=function_kind(node),
            param_types=parameters,
            return_type=returned,
            name=node.name,
            description=description,
        )


def _facts(node: FieldNode) -> FieldFacts | None:
    """Return the facts of a field that its member type lacks, if there are any."""
    is_deprecated = is_marked_deprecated(node.annotations)
    if not (node.default or node.is_readonly or node.is_final or is_deprecated):
        return None
    return FieldFacts(
        default_value=node.default,
        is_deprecated=is_deprecated,
        is_read_only=node.is_readonly,
        is_final=node.is_final,
    )


def _within(scope: FileScope, context: TypeContext) -> TypeContext:
    return context if context.scope is scope else replace(context, scope=scope)


def function_kind(node: FunctionNode) -> str:
    """Return Central's word for who calls a method."""
    if "remote" in node.qualifiers:
        return "REMOTE"
    return "RESOURCE" if "resource" in node.qualifiers else "OTHER"


# Central writes this for a parameter's name as the type of a stream.
_UNKNOWN_MODULE = ModuleAddress("UNK_ORG", "UNK_MOD", "UNK_VER")


def _located(address: ModuleAddress, name: str, category: str) -> Type:
    """Return a type of a module. Without a version there is no documentation to link."""
    return Type(
        org_name=address.org,
        module_name=address.name,
        version=address.version,
        name=name,
        category=category,
        generate_user_defined_type_link=address.version is not None,
    )


def _unresolved(name: str) -> Type:
    return Type(name=name, category="reference", generate_user_defined_type_link=False)
