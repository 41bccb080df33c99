"""Random types and declarations, as the reader returns them."""

from typing import TypeVar, cast

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from shared.ballerina.doc_comments import read_doc_comment
from shared.ballerina.syntax import (
    NO_COMMENT,
    AnnotationDefinition,
    ArrayType,
    AttachedAnnotation,
    BuiltinType,
    ClassDefinition,
    Declaration,
    DistinctType,
    DocComment,
    EnumDefinition,
    EnumMember,
    FieldNode,
    FunctionNode,
    FunctionType,
    Inclusion,
    IntersectionType,
    ObjectType,
    OptionalType,
    ParameterKind,
    ParameterNode,
    ParenthesizedType,
    Position,
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

T = TypeVar("T")

NOWHERE = Position("main.bal", 1)


def without_positions(value: T) -> T:
    """Return a value without what depends on the layout of its source."""
    return cast(T, _without_positions(value))


def _without_positions(value: object) -> object:
    if isinstance(value, Position):
        return NOWHERE
    if isinstance(value, tuple):
        return tuple(_without_positions(each) for each in cast(tuple[object, ...], value))
    if not isinstance(value, Struct):
        return value
    fields = {name: _without_positions(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, ObjectType):
        fields["text"] = ""
    return replace(value, **fields)


def tuples_of(
    values: st.SearchStrategy[T], least: int = 0, most: int = 3
) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(values, min_size=least, max_size=most).map(tuple)


def subsets_of(*words: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(words))


NAMES = st.sampled_from(
    ["a", "Name", "'type", "'4XX", "first\\ name", "naïve", "名", "key", "'\\u{61}b"]
)
LENGTHS = st.sampled_from(["", "*", "5", "LENGTH", "m:LENGTH"])
TEXTS = st.sampled_from(
    ["1", '"a;b, {c}"', "{a: [1, 2], b: (3)}", "`${f(`}`)}`", "x < y", "new stream<A, B>(c)"]
)
COMMENT_LINES = st.sampled_from(
    [
        "Says it.",
        "",
        "+ a - The a",
        "  and more",
        "+ return - Nothing",
        "# Deprecated",
        "```",
        "- item",
    ]
)
ANNOTATIONS = tuples_of(
    st.builds(
        AttachedAnnotation,
        st.sampled_from(["", "http"]),
        st.sampled_from(["display", "Config"]),
        st.sampled_from(["", "{}", '{label: "}"}']),
    ),
    most=2,
)
COMMENTS: st.SearchStrategy[DocComment] = st.one_of(
    st.just(NO_COMMENT),
    st.lists(COMMENT_LINES, min_size=1, max_size=6).map(
        lambda lines: read_doc_comment("\n".join(f"# {line}".rstrip() for line in lines))
    ),
)

PLAIN: st.SearchStrategy[TypeNode] = st.one_of(
    st.sampled_from(["int", "error", "json", "anydata", "()", "stream", "typedesc"]).map(
        BuiltinType
    ),
    st.builds(TypeReference, st.sampled_from(["", "m", "error", "'int"]), NAMES),
    st.sampled_from(['"x"', "-1", "true", "null", "0x1F", "1.5f"]).map(SingletonType),
)


def parameters(
    types: st.SearchStrategy[TypeNode], names: st.SearchStrategy[str]
) -> st.SearchStrategy[tuple[ParameterNode, ...]]:
    kinds = st.sampled_from(
        [kind for kind in ParameterKind if kind is not ParameterKind.DEFAULTABLE]
    )
    required = st.builds(ParameterNode, name=names, type=types, kind=kinds, annotations=ANNOTATIONS)
    defaultable = st.builds(
        ParameterNode,
        name=names,
        type=types,
        kind=st.just(ParameterKind.DEFAULTABLE),
        default=TEXTS | st.just("<>"),
        annotations=ANNOTATIONS,
    )
    return tuples_of(required | defaultable)


def functions(
    types: st.SearchStrategy[TypeNode], *qualifiers: str
) -> st.SearchStrategy[FunctionNode]:
    return st.builds(
        FunctionNode,
        name=NAMES,
        parameters=parameters(types, NAMES),
        returns=types,
        qualifiers=subsets_of("public", "isolated", "transactional", *qualifiers),
        is_extern=st.booleans(),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    )


def resource(method: FunctionNode, accessor: str, path: str) -> FunctionNode:
    qualifiers = method.qualifiers | {"resource"}
    return replace(method, name="", accessor=accessor, resource_path=path, qualifiers=qualifiers)


def methods(types: st.SearchStrategy[TypeNode]) -> st.SearchStrategy[FunctionNode]:
    plain = functions(types, "private", "remote")
    paths = st.sampled_from([".", "users/[string id]", "[int... rest]", "'a\\-b/c"])
    return plain | st.builds(resource, plain, st.sampled_from(["get", "'default"]), paths)


def fields(
    types: st.SearchStrategy[TypeNode], **flags: st.SearchStrategy[bool]
) -> st.SearchStrategy[FieldNode]:
    return st.builds(
        FieldNode,
        name=NAMES,
        type=types,
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        default=TEXTS | st.just(""),
        position=st.just(NOWHERE),
        **flags,
    )


def records(types: st.SearchStrategy[TypeNode]) -> st.SearchStrategy[RecordType]:
    members = (
        fields(types, is_optional=st.booleans())
        | fields(types, is_readonly=st.booleans()).filter(
            lambda field: not (field.is_readonly and isinstance(field.type, TupleType))
        )
        | st.builds(Inclusion, types)
    )
    return st.builds(RecordType, tuples_of(members), st.none() | types, st.booleans())


def members_of_objects(
    types: st.SearchStrategy[TypeNode],
) -> st.SearchStrategy[tuple[FieldNode | FunctionNode | Inclusion, ...]]:
    flags = {"is_public": st.booleans(), "is_final": st.booleans()}
    return tuples_of(st.builds(Inclusion, types) | fields(types, **flags) | methods(types))


def composed(types: st.SearchStrategy[TypeNode]) -> st.SearchStrategy[TypeNode]:
    """Return types of types; those that bind more weakly than what is around them are in
    parentheses, or alone."""
    bracketed: st.SearchStrategy[TypeNode] = st.one_of(
        PLAIN,
        st.builds(ParenthesizedType, types),
        st.builds(
            BuiltinType, st.sampled_from(["map", "future", "xml", "error"]), tuples_of(types, 1, 1)
        ),
        st.builds(BuiltinType, st.just("stream"), tuples_of(types, 1, 2)),
        st.builds(TableType, types, st.none() | tuples_of(NAMES)),
        st.builds(TableType, types, st.none(), types),
        st.builds(TupleType, tuples_of(types), st.none() | types),
        records(types),
        st.builds(
            ObjectType, members_of_objects(types), subsets_of("client", "isolated", "service")
        ),
    )
    distinct = bracketed | st.builds(DistinctType, bracketed)
    optional = distinct | st.builds(OptionalType, distinct)
    suffixed = optional | st.builds(ArrayType, optional, tuples_of(LENGTHS, 1))
    intersected = suffixed | st.builds(IntersectionType, tuples_of(suffixed, 2))
    function = st.builds(
        FunctionType,
        parameters(types, NAMES | st.just("")),
        st.none() | types,
        subsets_of("isolated", "transactional"),
    )
    return intersected | st.builds(UnionType, tuples_of(intersected, 2)) | function


TYPES: st.SearchStrategy[TypeNode] = st.recursive(PLAIN, composed, max_leaves=8)

DECLARATIONS: st.SearchStrategy[Declaration] = st.one_of(
    functions(TYPES),
    st.builds(
        TypeDefinition,
        name=NAMES,
        type=TYPES,
        is_public=st.booleans(),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    ),
    st.builds(
        ClassDefinition,
        name=NAMES,
        members=members_of_objects(TYPES),
        qualifiers=subsets_of("public", "distinct", "readonly", "isolated", "client", "service"),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    ),
    st.builds(
        EnumDefinition,
        name=NAMES,
        members=tuples_of(
            st.builds(
                EnumMember,
                name=NAMES,
                value=TEXTS | st.just(""),
                comment=COMMENTS,
                annotations=ANNOTATIONS,
                position=st.just(NOWHERE),
            )
        ),
        is_public=st.booleans(),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    ),
    st.builds(
        VariableDefinition,
        name=NAMES,
        kind=st.just(VariableKind.CONSTANT),
        type=st.none() | TYPES,
        value=TEXTS,
        is_public=st.booleans(),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    ),
    st.builds(
        VariableDefinition,
        name=NAMES,
        kind=st.sampled_from([VariableKind.VARIABLE, VariableKind.CONFIGURABLE]),
        type=st.none() | TYPES,
        value=TEXTS | st.sampled_from(["", "?"]),
        is_public=st.booleans(),
        is_final=st.booleans(),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    ),
    st.builds(
        AnnotationDefinition,
        name=NAMES,
        type=st.none() | TYPES,
        points=tuples_of(st.sampled_from(["type", "source object function", "service"])),
        is_public=st.booleans(),
        comment=COMMENTS,
        annotations=ANNOTATIONS,
        position=st.just(NOWHERE),
    ),
)
