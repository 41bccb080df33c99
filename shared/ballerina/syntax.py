"""The declarations of a Ballerina source file, as immutable values.

Names are spelled as in the source, with the quote of quoted identifiers. Texts of expressions,
paths and annotation values are source text. Sequences have the order of the source. Types nest at
most `NESTING_LIMIT` levels deep (`shared.ballerina.types`).
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Position:
    """Where a declaration begins, after its doc comment and annotations: the path in its module,
    and the line, counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocComment:
    """The parts of a doc comment. `description`, `parameters`, `returns` and `sections` have
    exactly the blanks and line feeds that Central's documentation has; `text` is the whole comment
    with one blank dropped after each `#`, which is Markdown."""

    description: str = ""
    parameters: tuple[tuple[str, str], ...] = ()  # Name and description.
    returns: str = ""
    sections: tuple[str, ...] = ()
    text: str = ""


NO_COMMENT = DocComment()


@dataclass(frozen=True, slots=True)
class AttachedAnnotation:
    """`@prefix:name value`; prefix and value may be empty."""

    prefix: str
    name: str
    value: str = ""


# --- Type descriptors ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuiltinType:
    """A type named by a keyword: `int`, `error`, `anydata`, `()`, also `error<D>`, `xml<T>`,
    `map<T>`, `stream<A, B>`, `future<T>`, `typedesc<T>` with their parameters."""

    name: str
    parameters: tuple["TypeNode", ...] = ()


@dataclass(frozen=True, slots=True)
class TypeReference:
    """A type by name, of this module if the prefix is empty."""

    prefix: str
    name: str


@dataclass(frozen=True, slots=True)
class TableType:
    """`table<row> key(names)` or `table<row> key<key_type>`."""

    row: "TypeNode"
    key_fields: tuple[str, ...] | None = None  # None: no key is named; empty: `key()`.
    key_type: "TypeNode | None" = None


@dataclass(frozen=True, slots=True)
class OptionalType:
    """`T?`"""

    type: "TypeNode"


@dataclass(frozen=True, slots=True)
class ArrayType:
    """`T[]`, `T[5]`, `T[*]`: `lengths` has an entry for each dimension, in source order."""

    element: "TypeNode"
    lengths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnionType:
    """`A|B|C`, flat; parentheses are kept as `ParenthesizedType`."""

    members: tuple["TypeNode", ...]


@dataclass(frozen=True, slots=True)
class IntersectionType:
    """`A & B`, flat."""

    members: tuple["TypeNode", ...]


@dataclass(frozen=True, slots=True)
class TupleType:
    """`[A, B, R...]`"""

    members: tuple["TypeNode", ...]
    rest: "TypeNode | None" = None


@dataclass(frozen=True, slots=True)
class ParenthesizedType:
    """`(T)`"""

    type: "TypeNode"


@dataclass(frozen=True, slots=True)
class DistinctType:
    """`distinct T`"""

    type: "TypeNode"


@dataclass(frozen=True, slots=True)
class SingletonType:
    """A literal as a type, as source text: `"x"`, `-1`, `true`, `null`."""

    text: str


@dataclass(frozen=True, slots=True)
class RecordType:
    """`record { … }` or `record {| … |}`; `members` are fields and inclusions in source order."""

    members: tuple["FieldNode | Inclusion", ...]
    rest: "TypeNode | None" = None
    is_exclusive: bool = False  # Written with `{|`; closed if it has no rest.


@dataclass(frozen=True, slots=True)
class ObjectType:
    """`object { … }` with the qualifiers before it: `client`, `service`, `isolated`."""

    members: tuple["FieldNode | FunctionNode | Inclusion", ...]
    qualifiers: frozenset[str] = frozenset()
    text: str = ""  # The source text; empty in two others, whose text contains it.


@dataclass(frozen=True, slots=True)
class FunctionType:
    """`function (…) returns T`; without a signature (`function`), `parameters` is None."""

    parameters: tuple["ParameterNode", ...] | None
    returns: "TypeNode | None" = None
    qualifiers: frozenset[str] = frozenset()  # `isolated`, `transactional`.


TypeNode = (
    BuiltinType
    | TypeReference
    | TableType
    | OptionalType
    | ArrayType
    | UnionType
    | IntersectionType
    | TupleType
    | ParenthesizedType
    | DistinctType
    | SingletonType
    | RecordType
    | ObjectType
    | FunctionType
)


# --- Parts of declarations ----------------------------------------------------------------------


class ParameterKind(Enum):
    """How arguments are passed to a parameter."""

    REQUIRED = "required"
    DEFAULTABLE = "defaultable"
    INCLUDED = "included"  # `*R name`
    REST = "rest"  # `T... name`


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterNode:
    """A parameter; `name` is empty in types of functions that do not name it."""

    name: str
    type: TypeNode
    kind: ParameterKind = ParameterKind.REQUIRED
    default: str = ""  # Source text, `<>` for an inferred one; empty if there is none.
    annotations: tuple[AttachedAnnotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Inclusion:
    """`*T;` in a record, an object or a class."""

    type: TypeNode


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNode:
    """A field of a record, an object or a class."""

    name: str
    type: TypeNode
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    default: str = ""
    is_optional: bool = False  # `T name?;`
    is_readonly: bool = False
    is_final: bool = False
    is_public: bool = False
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionNode:
    """A function of a module, or a method of a class or object type.

    `qualifiers`: `public`, `private`, `isolated`, `remote`, `resource`, `transactional`.
    """

    name: str  # Empty for resource methods.
    parameters: tuple[ParameterNode, ...] = ()
    returns: TypeNode | None = None
    return_annotations: tuple[AttachedAnnotation, ...] = ()
    qualifiers: frozenset[str] = frozenset()
    accessor: str = ""  # `get`, for resource methods.
    resource_path: str = ""  # Source text, for resource methods.
    is_extern: bool = False  # The body is `= external`.
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


# --- Declarations of a module -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDefinition:
    """`type X …;`"""

    name: str
    type: TypeNode
    is_public: bool
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDefinition:
    """`class X { … }` with its qualifiers: `public`, `client`, `listener`, `service`, `isolated`,
    `readonly`, `distinct`."""

    name: str
    members: tuple[FieldNode | FunctionNode | Inclusion, ...]
    qualifiers: frozenset[str] = frozenset()
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumMember:
    name: str
    value: str = ""  # Source text; empty: its own name.
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumDefinition:
    name: str
    members: tuple[EnumMember, ...]
    is_public: bool
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


class VariableKind(Enum):
    """Which declaration defines a name for a value."""

    CONSTANT = "const"
    VARIABLE = "variable"
    CONFIGURABLE = "configurable"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableDefinition:
    """A constant, a module variable or a configurable. The type is None where it is inferred."""

    name: str
    kind: VariableKind
    type: TypeNode | None
    value: str  # Source text of the initializer; empty if there is none, `?` for required ones.
    is_public: bool
    is_final: bool = False
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationDefinition:
    """`annotation T name on points;`"""

    name: str
    type: TypeNode | None
    points: tuple[str, ...]  # `service`, `object function`, `source type`…, as written.
    is_public: bool
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


Declaration = (
    FunctionNode
    | TypeDefinition
    | ClassDefinition
    | EnumDefinition
    | VariableDefinition
    | AnnotationDefinition
)


@dataclass(frozen=True, slots=True)
class ModuleImport:
    """`import org/name as prefix;` The org is empty if it is the own one; the prefix is the last
    part of the name if none is written, and `_` for imports that are not referred to. Org and
    module have no quotes (`lang.int`), the prefix has those of the source (`'int`)."""

    org: str
    module: str
    prefix: str


@dataclass(frozen=True, slots=True)
class UnparsedLines:
    """Lines of a file that could not be read, both counted from 1 and included, and why."""

    file: str
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The declarations of a file."""

    path: str  # Relative to the folder of its module.
    imports: tuple[ModuleImport, ...]
    declarations: tuple[Declaration, ...]
    unread: tuple[UnparsedLines, ...] = ()
