"""Members that records, object types and classes take over with `*T;`."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.ballerina.syntax import FieldNode, FunctionNode, Inclusion, TypeReference
from shared.domain.api_docs.document_room import DocumentRoom
from shared.domain.api_docs.resolving import Definition, FileScope, PackageNames, Structure
from shared.domain.api_docs.resource_paths import path_key

DOCUMENTED = frozenset(("public", "remote", "resource"))

MEMBER_SIZE = 100  # Bytes; the least that a member adds to a document.


@dataclass(frozen=True, slots=True)
class OwnedField:
    node: FieldNode
    owner: Structure
    origin: Definition | None = None  # The included public type that readers find it in.

    @property
    def description(self) -> str:
        """The field's own description, or else the line of the whole type's comment."""
        own = self.node.comment.description
        return own or self.owner.descriptions.get(self.node.name, "")


@dataclass(frozen=True, slots=True)
class OwnedMethod:
    node: FunctionNode
    owner: Structure


def method_key(node: FunctionNode) -> tuple[str, str, str]:
    """Return the key by which methods override each other: the name, or its accessor and path, in
    which the names of parameters do not count."""
    return node.name, node.accessor, path_key(node.resource_path)


@dataclass(frozen=True, slots=True)
class Inclusions:
    """Finds the members of included types."""

    names: PackageNames
    room: DocumentRoom

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
            # Also what is not documented takes time to look at, so it is counted like the rest.
            self.room.spend(MEMBER_SIZE * (1 + len(each.members)))
            yield each, origin
            for definition in self._included(each):
                if definition not in seen:
                    seen.add(definition)
                    included = self.names.structure(definition)
                    is_named = is_public and definition.is_public
                    if included:
                        waiting.append((included, definition if is_named else origin, is_named))

    def _included(self, structure: Structure) -> Iterator[Definition]:
        for inclusion in structure.members:
            if isinstance(inclusion, Inclusion):
                definition = self.definition(inclusion, structure.scope)
                if definition is not None:
                    yield definition
