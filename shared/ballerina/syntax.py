"""The declarations of a Ballerina source file, as immutable values.

Names are spelled as in the source, with the quote of quoted identifiers. Texts of expressions,
paths and annotation values are source text. Sequences have the order of the source. Types nest at
most `NESTING_LIMIT` levels deep (`shared.ballerina.types`).
"""

from enum import Enum

from msgspec import Struct


class Position(Struct, frozen=True):
    """Where a declaration begins, after its doc comment and annotations: the path in its module,
    and the line, counted from 1."""

    file: str
    line: int


class DocComment(Struct, frozen=True, kw_only=True):
    """The parts of a doc comment. `description`, `parameters`, `returns` and `sections` have
    exactly the blanks and line feeds that Central's documentation has; `text` is the whole comment
    with one blank dropped after each `#`, which is Markdown."""

    description: str = ""
    parameters: tuple[tuple[str, str], ...] = ()  # Name and description.
    returns: str = ""
    sections: tuple[str, ...] = ()
    text: str = ""


NO_COMMENT = DocComment()


class AttachedAnnotation(Struct, frozen=True):
    """`@prefix:name value`; prefix and value may be empty."""

    prefix: str
    name: str
    value: str = ""


# --- Type descriptors ---------------------------------------------------------------------------


class BuiltinType(Struct, frozen=True):
    """A type named by a keyword: `int`, `error`, `anydata`, `()`, also `error<D>`, `xml<T>`,
    `map<T>`, `stream<A, B>`, `future<T>`, `typedesc<T>` with their parameters."""

    name: str
    parameters: tuple["TypeNode", ...] = ()


class TypeReference(Struct, frozen=True):
    """A type by name, of this module if the prefix is empty."""

    prefix: str
    name: str


class TableType(Struct, frozen=True):
    """`table<row> key(names)` or `table<row> key<key_type>`."""

    row: "TypeNode"
    key_fields: tuple[str, ...] | None = None  # None: no key is named; empty: `key()`.
    key_type: "TypeNode | None" = None


class OptionalType(Struct, frozen=True):
    """`T?`"""

    type: "TypeNode"


class ArrayType(Struct, frozen=True):
    """`T[]`, `T[5]`, `T[*]`: `lengths` has an entry for each dimension, in source order."""

    element: "TypeNode"
    lengths: tuple[str, ...]


class UnionType(Struct, frozen=True):
    """`A|B|C`, flat; parentheses are kept as `ParenthesizedType`."""

    members: tuple["TypeNode", ...]


class IntersectionType(Struct, frozen=True):
    """`A & B`, flat."""

    members: tuple["TypeNode", ...]


class TupleType(Struct, frozen=True):
    """`[A, B, R...]`"""

    members: tuple["TypeNode", ...]
    rest: "TypeNode | None" = None


class ParenthesizedType(Struct, frozen=True):
    """`(T)`"""

    type: "TypeNode"


class DistinctType(Struct, frozen=True):
    """`distinct T`"""

    type: "TypeNode"


class SingletonType(Struct, frozen=True):
    """A literal as a type, as source text: `"x"`, `-1`, `true`, `null`."""

    text: str


class RecordType(Struct, frozen=True):
    """`record { … }` or `record {| … |}`; `members` are fields and inclusions in source order."""

    members: tuple["FieldNode | Inclusion", ...]
    rest: "TypeNode | None" = None
    is_exclusive: bool = False  # Written with `{|`; closed if it has no rest.


class ObjectType(Struct, frozen=True):
    """`object { … }` with the qualifiers before it: `client`, `service`, `isolated`."""

    members: tuple["FieldNode | FunctionNode | Inclusion", ...]
    qualifiers: frozenset[str] = frozenset()
    text: str = ""  # The source text; empty in two others, whose text contains it.


class FunctionType(Struct, frozen=True):
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


class ParameterNode(Struct, frozen=True, kw_only=True):
    """A parameter; `name` is empty in types of functions that do not name it."""

    name: str
    type: TypeNode
    kind: ParameterKind = ParameterKind.REQUIRED
    default: str = ""  # Source text, `<>` for an inferred one; empty if there is none.
    annotations: tuple[AttachedAnnotation, ...] = ()


class Inclusion(Struct, frozen=True):
    """`*T;` in a record, an object or a class."""

    type: TypeNode


class Declared(Struct, frozen=True, kw_only=True):
    """What has a name, and perhaps a doc comment and annotations before it."""

    name: str
    comment: DocComment = NO_COMMENT
    annotations: tuple[AttachedAnnotation, ...] = ()
    position: Position


class FieldNode(Declared, frozen=True, kw_only=True):
    """A field of a record, an object or a class."""

    type: TypeNode
    default: str = ""
    is_optional: bool = False  # `T name?;`
    is_readonly: bool = False
    is_final: bool = False
    is_public: bool = False


class FunctionNode(Declared, frozen=True, kw_only=True):
    """A function of a module, or a method of a class or object type.

    The name of a resource method is empty. `qualifiers`: `public`, `private`, `isolated`, `remote`,
    `resource`, `transactional`.
    """

    parameters: tuple[ParameterNode, ...] = ()
    returns: TypeNode | None = None
    qualifiers: frozenset[str] = frozenset()
    accessor: str = ""  # `get`, for resource methods.
    resource_path: str = ""  # Source text, for resource methods.
    is_extern: bool = False  # The body is `= external`.


# --- Declarations of a module -------------------------------------------------------------------


class TypeDefinition(Declared, frozen=True, kw_only=True):
    """`type X …;`"""

    type: TypeNode
    is_public: bool


class ClassDefinition(Declared, frozen=True, kw_only=True):
    """`class X { … }` with its qualifiers: `public`, `client`, `listener`, `service`, `isolated`,
    `readonly`, `distinct`."""

    members: tuple[FieldNode | FunctionNode | Inclusion, ...]
    qualifiers: frozenset[str] = frozenset()


class EnumMember(Declared, frozen=True, kw_only=True):
    value: str = ""  # Source text; empty: its own name.


class EnumDefinition(Declared, frozen=True, kw_only=True):
    members: tuple[EnumMember, ...]
    is_public: bool


class VariableKind(Enum):
    """Which declaration defines a name for a value."""

    CONSTANT = "const"
    VARIABLE = "variable"
    CONFIGURABLE = "configurable"


class VariableDefinition(Declared, frozen=True, kw_only=True):
    """A constant, a module variable or a configurable. The type is None where it is inferred."""

    kind: VariableKind
    type: TypeNode | None
    value: str  # Source text of the initializer; empty if there is none, `?` for required ones.
    is_public: bool
    is_final: bool = False


class AnnotationDefinition(Declared, frozen=True, kw_only=True):
    """`annotation T name on points;`"""

    type: TypeNode | None
    points: tuple[str, ...]  # `service`, `object function`, `source type`…, as written.
    is_public: bool


Declaration = (
    FunctionNode
    | TypeDefinition
    | ClassDefinition
    | EnumDefinition
    | VariableDefinition
    | AnnotationDefinition
)


class ModuleImport(Struct, frozen=True):
    """`import org/name as prefix;` The org is empty if it is the own one; the prefix is the last
    part of the name if none is written, and `_` for imports that are not referred to. Org and
    module have no quotes (`lang.int`), the prefix has those of the source (`'int`)."""

    org: str
    module: str
    prefix: str


class UnparsedLines(Struct, frozen=True):
    """Lines of a file that could not be read, both counted from 1 and included, and why."""

    file: str
    first: int
    last: int
    reason: str


class SourceFile(Struct, frozen=True):
    """The declarations of a file."""

    path: str  # Relative to the folder of its module.
    imports: tuple[ModuleImport, ...]
    declarations: tuple[Declaration, ...]
    unread: tuple[UnparsedLines, ...] = ()
