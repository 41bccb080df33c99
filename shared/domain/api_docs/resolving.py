"""What the names in a package's sources refer to: a definition, or a module of a package."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from msgspec import Struct, field

from shared.ballerina.syntax import (
    AnnotationDefinition,
    AttachedAnnotation,
    BuiltinType,
    ClassDefinition,
    DistinctType,
    DocComment,
    EnumDefinition,
    FieldNode,
    FunctionNode,
    Inclusion,
    IntersectionType,
    ModuleImport,
    ObjectType,
    OptionalType,
    ParenthesizedType,
    RecordType,
    SourceFile,
    TypeDefinition,
    TypeNode,
    TypeReference,
    UnionType,
    VariableDefinition,
    VariableKind,
)
from shared.domain.api_docs.language import LANGUAGE_ORG, LANGUAGE_VERSION, PREDECLARED
from shared.domain.api_docs.type_parts import path_key
from shared.domain.dependency_graphs import Graph
from shared.domain.names import MAX_PACKAGE_LENGTH, ModuleName, possible_packages

# A longer chain of types that are defined by each other is resolved no further.
CHAIN_LIMIT = 100

_CATEGORIES: dict[type, str] = {RecordType: "records", ObjectType: "objectTypes"}

Named = TypeDefinition | ClassDefinition | EnumDefinition


def unquoted(name: str) -> str:
    """Return an identifier without the quote, which says only that it is no keyword."""
    return name.removeprefix("'")


class ModuleAddress(Struct, frozen=True):
    """A module of a release. The version is None where the dependency graph has no such module."""

    org: str
    name: str
    version: str | None


# Annotations without a prefix that the module does not define: `@display`, `@deprecated`.
ANNOTATIONS = ModuleAddress(LANGUAGE_ORG, "lang.annotations", LANGUAGE_VERSION)


class Module(Struct, frozen=True, eq=False):
    """The names that a module of the package defines."""

    address: ModuleAddress
    types: dict[str, "Definition"] = field(default_factory=dict[str, "Definition"])
    constants: dict[str, "Constant"] = field(default_factory=dict[str, "Constant"])
    annotations: set[str] = field(default_factory=set[str])


class Constant(Struct, frozen=True):
    """A constant or a member of an enum, with its value as source text."""

    value: str
    is_public: bool


class FileScope(Struct, frozen=True, eq=False):
    """Where a declaration is written: its module, and the imports of its file."""

    module: Module
    imports: Mapping[str, ModuleAddress]


class Definition(Struct, frozen=True, eq=False):
    """The definition of a type, and where it is written."""

    node: Named
    scope: FileScope

    @property
    def is_public(self) -> bool:
        if isinstance(self.node, ClassDefinition):
            return "public" in self.node.qualifiers
        return self.node.is_public


@dataclass(frozen=True, eq=False)
class Structure:
    """The members of a record, an object type or a class."""

    members: Sequence[FieldNode | FunctionNode | Inclusion]
    comment: DocComment
    scope: FileScope
    rest: TypeNode | None = None
    is_record: bool = False

    @cached_property
    def descriptions(self) -> dict[str, str]:
        """The descriptions of members in the doc comment, by their names."""
        return parameter_descriptions(self.comment)


def parameter_descriptions(comment: DocComment) -> dict[str, str]:
    """Return the descriptions in the lines `+ name - …` of a comment, by name."""
    found: dict[str, str] = {}
    for name, text in comment.parameters:
        found[name] = found.get(name, "") + text
    return found


class PackageNames(Struct):
    """Resolves the names in the sources of one package."""

    org: str
    version: str
    graph: Graph
    modules: dict[str, Module] = field(default_factory=dict[str, Module])
    _versions: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _categories: dict[Definition, str] = field(default_factory=dict[Definition, str])

    @classmethod
    def of(cls, org: str, version: str, modules: Sequence[str], graph: Graph) -> Self:
        """Return the names of a package whose modules define nothing yet."""
        names = cls(org, version, graph)
        names.modules = {name: Module(ModuleAddress(org, name, version)) for name in modules}
        names._versions = {(node.org, node.name): node.version for node in graph.nodes}
        return names

    def add(self, module: Module, file: SourceFile) -> FileScope:
        """Add what a file of a module defines, and return the scope of its declarations."""
        imports = {unquoted(each.prefix): self._imported(each) for each in file.imports}
        scope = FileScope(module, imports)
        for declaration in file.declarations:
            if isinstance(declaration, Named):
                module.types.setdefault(unquoted(declaration.name), Definition(declaration, scope))
            match declaration:
                case EnumDefinition():
                    for member in declaration.members:
                        name = unquoted(member.name)
                        value = member.value or f'"{name}"'
                        constant = Constant(value, is_public=declaration.is_public)
                        module.constants.setdefault(name, constant)
                case VariableDefinition(kind=VariableKind.CONSTANT):
                    constant = Constant(declaration.value, is_public=declaration.is_public)
                    module.constants.setdefault(unquoted(declaration.name), constant)
                case AnnotationDefinition():
                    module.annotations.add(unquoted(declaration.name))
                case _:
                    pass
        return scope

    def _imported(self, imported: ModuleImport) -> ModuleAddress:
        org = imported.org or self.org
        name = imported.module  # Without quotes, as it was read.
        return ModuleAddress(org, name, self._version_of(org, name))

    def _version_of(self, org: str, module: str) -> str | None:
        """Return the version of the package whose name is the longest prefix of the module's."""
        if org == self.org and module in self.modules:
            return self.version
        if org == LANGUAGE_ORG and module.startswith("lang."):
            return LANGUAGE_VERSION
        if len(module) > MAX_PACKAGE_LENGTH:
            return None
        packages = possible_packages(ModuleName(module))
        versions = (self._versions.get((org, package)) for package in packages)
        return next((version for version in versions if version is not None), None)

    def module_at(self, prefix: str, scope: FileScope) -> ModuleAddress | None:
        """Return the module that a prefix stands for, or None where it is unknown."""
        name = unquoted(prefix)
        if name not in scope.imports and name in PREDECLARED:
            return ModuleAddress(LANGUAGE_ORG, f"lang.{name}", LANGUAGE_VERSION)
        return scope.imports.get(name)

    def annotation_module(
        self, annotation: AttachedAnnotation, scope: FileScope
    ) -> ModuleAddress | None:
        """Return the module that defines an annotation, or None where it is unknown."""
        if annotation.prefix:
            return self.module_at(annotation.prefix, scope)
        if unquoted(annotation.name) in scope.module.annotations:
            return scope.module.address
        return ANNOTATIONS

    def definition(self, reference: TypeReference, scope: FileScope) -> Definition | None:
        """Return the definition of a type in this package; None for others."""
        module: Module | None = scope.module
        if reference.prefix:
            address = self.module_at(reference.prefix, scope)
            is_ours = address is not None and address.org == self.org
            module = self.modules.get(address.name) if address and is_ours else None
        return module.types.get(unquoted(reference.name)) if module else None

    def category(self, definition: Definition, links: int = CHAIN_LIMIT) -> str:
        """Return the list of the documentation that Central files a definition under."""
        known = self._categories.get(definition)
        if known is None:
            # Ends the recursion for definitions that refer to this one.
            self._categories[definition] = "types"
            known = self._categories[definition] = self._named_category(definition, links)
        return known

    def _named_category(self, definition: Definition, links: int) -> str:
        match definition.node:
            case EnumDefinition():
                return "enums"
            case ClassDefinition(name=name, qualifiers=qualifiers):
                if "client" in qualifiers:
                    return "clients"
                is_listener = "listener" in qualifiers or name == "Listener"
                return "listeners" if is_listener else "classes"
            case node:
                return self.category_of(node.type, definition.scope, links)

    def category_of(self, node: TypeNode, scope: FileScope, links: int = CHAIN_LIMIT) -> str:
        if links == 0:
            return "types"
        match node:
            case TypeReference():
                target = self.definition(node, scope)
                return self.category(target, links - 1) if target else "types"
            case DistinctType(type=inner) | ParenthesizedType(type=inner):
                return self.category_of(inner, scope, links - 1)
            case UnionType(members=members):
                categories = (self.category_of(each, scope, links - 1) for each in members)
                return "errors" if all(each == "errors" for each in categories) else "types"
            case IntersectionType(members=members):
                typed = [each for each in members if each != BuiltinType("readonly")]
                return self.category_of(typed[0], scope, links - 1) if typed else "types"
            case _:
                is_error = isinstance(node, BuiltinType) and node.name == "error"
                return "errors" if is_error else _CATEGORIES.get(type(node), "types")

    def structure(self, definition: Definition) -> Structure | None:
        """Return the members of a definition, through aliases; None for types without members."""
        for _ in range(CHAIN_LIMIT):
            if isinstance(definition.node, EnumDefinition):
                return None
            if isinstance(definition.node, ClassDefinition):
                return structure_of(definition.node, definition.node.comment, definition.scope)
            inner = structural_part(definition.node.type)
            if not isinstance(inner, TypeReference):
                return structure_of(inner, definition.node.comment, definition.scope)
            target = self.definition(inner, definition.scope)
            if target is None:
                return None
            definition = target
        return None


def structure_of(
    node: TypeNode | ClassDefinition, comment: DocComment, scope: FileScope
) -> Structure | None:
    """Return the members of a record, object type or class; None for others."""
    match node:
        case RecordType(members=members, rest=rest):
            return Structure(members, comment, scope, rest, is_record=True)
        case ObjectType(members=members) | ClassDefinition(members=members):
            return Structure(members, comment, scope)
        case _:
            return None


def structural_part(node: TypeNode) -> TypeNode:
    """Return the node that defines the members of a type: without `?`, `distinct`, parentheses and
    `readonly`."""
    while True:
        match node:
            case (
                OptionalType(type=inner) | DistinctType(type=inner) | ParenthesizedType(type=inner)
            ):
                node = inner
            case IntersectionType(members=members):
                typed = [each for each in members if each != BuiltinType("readonly")]
                if len(typed) != 1:
                    return node
                node = typed[0]
            case _:
                return node


DOCUMENTED = frozenset(("public", "remote", "resource"))


class OwnedField(Struct, frozen=True):
    node: FieldNode
    owner: Structure
    origin: Definition | None = None  # The included public type that readers find it in.

    @property
    def description(self) -> str:
        """The field's own description, or else the line of the whole type's comment."""
        own = self.node.comment.description
        return own or self.owner.descriptions.get(self.node.name, "")


class OwnedMethod(Struct, frozen=True):
    node: FunctionNode
    owner: Structure


def method_key(node: FunctionNode) -> tuple[str, str, str]:
    """Return the key by which methods override each other: the name, or its accessor and path, in
    which the names of parameters do not count."""
    return node.name, node.accessor, path_key(node.resource_path)


class Inclusions(Struct, frozen=True):
    """Finds the members of included types."""

    names: PackageNames

    def definition(self, inclusion: Inclusion, scope: FileScope) -> Definition | None:
        """Return the definition of an included type, if it is of this package."""
        if not isinstance(inclusion.type, TypeReference):
            return None
        return self.names.definition(inclusion.type, scope)

    def fields(self, structure: Structure) -> tuple[OwnedField, ...]:
        """Return the documented fields of a type, its own before the included ones."""
        found: dict[str, OwnedField] = {}
        for each, origin in self._structures(structure):
            for node in each.members:
                if isinstance(node, FieldNode) and (each.is_record or node.is_public):
                    found.setdefault(node.name, OwnedField(node, each, origin))
        return tuple(found.values())

    def methods(self, structure: Structure) -> tuple[OwnedMethod, ...]:
        """Return the documented methods of a type, its own before the included ones."""
        found: dict[tuple[str, str, str], OwnedMethod] = {}
        for each, _ in self._structures(structure):
            for node in each.members:
                if isinstance(node, FunctionNode) and DOCUMENTED & node.qualifiers:
                    found.setdefault(method_key(node), OwnedMethod(node, each))
        return tuple(found.values())

    def foreign(self, structure: Structure) -> tuple[tuple[Inclusion, FileScope], ...]:
        """Return the inclusions of other packages' types, in a type and all that it includes."""
        return tuple(
            (inclusion, each.scope)
            for each, _ in self._structures(structure)
            for inclusion in each.members
            if isinstance(inclusion, Inclusion) and self.definition(inclusion, each.scope) is None
        )

    def _structures(self, structure: Structure) -> Iterator[tuple[Structure, Definition | None]]:
        """Yield a type and all that it includes, each once, with the public type that readers find
        its members in: that of a type which is not public has them as its own."""
        waiting: list[tuple[Structure, Definition | None, bool]] = [(structure, None, True)]
        seen: set[Definition] = set()
        for each, origin, is_public in waiting:
            yield each, origin
            for definition in self.definitions(each):
                if definition not in seen:
                    seen.add(definition)
                    included = self.names.structure(definition)
                    is_named = is_public and definition.is_public
                    if included:
                        waiting.append((included, definition if is_named else origin, is_named))

    def definitions(self, structure: Structure) -> Iterator[Definition]:
        """Yield the included types that are of this package."""
        for inclusion in structure.members:
            if isinstance(inclusion, Inclusion):
                definition = self.definition(inclusion, structure.scope)
                if definition is not None:
                    yield definition
