"""Declarations as source text, in parts whose types can be linked.

`signature` is the line that names a declaration; `declaration_source` has its members, too. Both
read the documentation alone, ours or Central's. So the prefix of another module is the last part of
its name.
"""

from collections.abc import Iterable, Iterator
from functools import singledispatch

from msgspec import Struct

from shared.domain.api_docs.model import (
    AliasDocs,
    AnnotationDocs,
    ClassDocs,
    ClientDocs,
    ConstantDocs,
    Documented,
    EnumDocs,
    EnumMemberDocs,
    ErrorDocs,
    FunctionDocs,
    MapTypeDocs,
    ModuleVariableDocs,
    ObjectTypeDocs,
    RecordDocs,
    TableTypeDocs,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.type_parts import (
    Part,
    PartKind,
    Parts,
    included,
    joined,
    keywords,
    named,
    returns,
    type_parts,
    value_parts,
)


class SourceLine(Struct, frozen=True):
    """A line of the source of a declaration: what it declares, with its signature and what stands
    before and after that. The inclusion of an object type declares nothing."""

    docs: Documented | None
    signature: tuple[Part, ...]
    before: tuple[Part, ...] = ()
    after: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.before, *self.signature, *self.after)


class DeclarationSource(Struct, frozen=True):
    """The source of a declaration: a line for each member between `opening` and `closing`; of one
    that cannot have members, `opening` alone."""

    opening: tuple[Part, ...]
    lines: tuple[SourceLine, ...] = ()
    closing: tuple[Part, ...] = ()


_END = (Part(";"),)


def signature(docs: Documented) -> tuple[Part, ...]:
    """Return the line that names a declaration or a member, without members and bodies."""
    return tuple(_signature(docs))


def signature_text(docs: Documented) -> str:
    return "".join(part.text for part in _signature(docs))


@singledispatch
def _signature(docs: Documented) -> Parts:
    yield Part(docs.name, PartKind.NAME)


@_signature.register
def _(docs: FunctionDocs) -> Parts:
    visibility = "remote" if docs.is_remote else "resource" if docs.is_resource else "public"
    yield from keywords(visibility, *_chosen(isolated=docs.is_isolated), "function")
    if docs.is_resource:
        yield from keywords(docs.accessor)
    yield Part(docs.resource_path if docs.is_resource else docs.name, PartKind.NAME)
    yield Part("(")
    yield from joined(map(_variable, docs.parameters), ", ")
    yield Part(")")
    for each in docs.return_parameters:
        yield from returns(each.type)


def _chosen(**words: bool) -> Iterable[str]:
    return (word for word, is_written in words.items() if is_written)


@_signature.register
def _variable(docs: VariableDocs) -> Parts:
    if docs.inclusion_type and docs.is_inclusion:
        yield Part("*")
        yield from type_parts(docs.inclusion_type)
    elif docs.type:
        yield from keywords(*_chosen(readonly=docs.is_read_only, final=docs.is_final))
        yield from included(docs.type)
        yield from named(docs.name)
        yield Part("?" if docs.type.is_optional else "")
        yield from _assigned(docs.default_value)


def _assigned(value: str) -> Parts:
    if value:
        yield Part(" = ")
        yield from value_parts(value)


@_signature.register
def _(docs: ModuleVariableDocs) -> Parts:
    yield from keywords(
        *_chosen(public=docs.is_public, configurable=docs.is_configurable, final=docs.is_final)
    )
    yield from type_parts(docs.type) if docs.type else (Part("var", PartKind.KEYWORD),)
    yield from named(docs.name)
    yield from _assigned(docs.default_value)


@_signature.register
def _(docs: ConstantDocs) -> Parts:
    yield from keywords("public", "const")
    if docs.type and docs.type.name != "":
        yield from type_parts(docs.type)
        yield Part(" ")
    yield Part(docs.name, PartKind.NAME)
    yield from _assigned(docs.value)


@_signature.register
def _(docs: AnnotationDocs) -> Parts:
    # The language requires `const` where an annotation may be attached to the source.
    is_constant = (
        docs.attachment_points.startswith("source ") or ", source " in docs.attachment_points
    )
    yield from keywords(*_chosen(public=True, const=is_constant, annotation=True))
    if docs.type:
        yield from type_parts(docs.type)
        yield Part(" ")
    yield Part(docs.name, PartKind.NAME)
    if docs.attachment_points:
        yield Part(" ")
        yield from keywords("on")
        yield Part(docs.attachment_points, PartKind.KEYWORD)


@_signature.register
def _(docs: EnumDocs) -> Parts:
    yield from keywords("public", "enum")
    yield Part(docs.name, PartKind.NAME)


@_signature.register
def _(docs: EnumMemberDocs) -> Parts:
    yield Part(docs.name, PartKind.NAME)
    yield from _assigned(docs.value)


@_signature.register
def _(docs: ClassDocs) -> Parts:
    yield from keywords(
        *_chosen(
            public=True,
            distinct=docs.is_distinct,
            readonly=docs.is_read_only,
            isolated=docs.is_isolated,
            service=docs.is_service,
            client=isinstance(docs, ClientDocs),
        ),
        "class",
    )
    yield Part(docs.name, PartKind.NAME)


@_signature.register
def _(docs: RecordDocs) -> Parts:
    yield from _defined(docs.name, docs.is_read_only)
    yield from keywords("record")
    yield Part("{|…|}" if _is_exclusive(docs) else "{…}")
    yield Part("?" if docs.is_nullable else "")


def _is_exclusive(docs: RecordDocs) -> bool:
    return docs.is_closed or docs.rest_type is not None


def _defined(name: str, is_read_only: bool = False, is_distinct: bool = False) -> Parts:
    yield from keywords("public", "type")
    yield Part(name, PartKind.NAME)
    yield Part(" ")
    yield from keywords(*_chosen(distinct=is_distinct))
    if is_read_only:
        yield from keywords("readonly")
        yield Part("& ")


@_signature.register
def _(docs: ObjectTypeDocs) -> Parts:
    yield from _object_header(docs)
    yield Part("?" if docs.is_nullable else "")


def _object_header(docs: ObjectTypeDocs) -> Parts:
    yield from _defined(docs.name, docs.is_read_only, docs.is_distinct)
    kinds = _chosen(isolated=docs.is_isolated, service=docs.is_service, client=docs.is_client)
    yield from keywords(*kinds)
    yield Part("object", PartKind.KEYWORD)


@_signature.register
def _(docs: ErrorDocs) -> Parts:
    yield from _defined(docs.name, is_distinct=docs.is_distinct)
    plain = Type(name="error", category="builtin")
    definition = docs.definition or docs.detail_type or plain
    is_compound = definition.is_intersection_type or definition.is_anonymous_union_type
    is_enclosed = docs.is_distinct and is_compound
    yield from _enclosed(definition, is_enclosed=is_enclosed)


def _enclosed(docs: Type, *, is_enclosed: bool) -> Parts:
    yield Part("(" if is_enclosed else "")
    yield from type_parts(docs)
    yield Part(")" if is_enclosed else "")


@_signature.register
def _(docs: TableTypeDocs | MapTypeDocs) -> Parts:
    whole = docs.row_parameter_type if isinstance(docs, TableTypeDocs) else docs.map_parameter_type
    yield from _defined(docs.name)
    yield from type_parts(whole) if whole else ()


@_signature.register
def _(docs: AliasDocs) -> Parts:
    yield from _defined(docs.name, is_distinct=docs.is_distinct)
    whole = docs.model_copy(update={"name": None, "is_nullable": False, "is_distinct": False})
    is_alone = docs.is_tuple or docs.is_type_desc or len(docs.member_types) == 1
    is_marked = docs.is_nullable or docs.is_distinct
    yield from _enclosed(whole, is_enclosed=is_marked and not is_alone)
    yield Part("?" if docs.is_nullable else "")


@singledispatch
def declaration_source(docs: Documented) -> DeclarationSource:
    """Return a declaration with its members, a line for each."""
    return DeclarationSource((*_signature(docs), Part(";")))


@declaration_source.register
def _(docs: FunctionDocs) -> DeclarationSource:
    return DeclarationSource((*_signature(docs), *_body(docs)))


def _body(docs: FunctionDocs) -> tuple[Part, ...]:
    """Return what follows the signature of a function: no statements, or that it is external."""
    if docs.is_extern:
        return (Part(" = "), Part("external", PartKind.KEYWORD), Part(";"))
    return (Part(" {}"),)


@declaration_source.register
def _(docs: EnumDocs) -> DeclarationSource:
    last = len(docs.members) - 1
    lines = (
        SourceLine(each, signature(each), after=(Part(","),) if number < last else ())
        for number, each in enumerate(docs.members)
    )
    return DeclarationSource((*_signature(docs), Part(" {")), tuple(lines), (Part("}"),))


@declaration_source.register
def _(docs: RecordDocs) -> DeclarationSource:
    opening, closing = ("{|", "|}") if _is_exclusive(docs) else ("{", "}")
    beginning = (*_defined(docs.name, docs.is_read_only), *keywords("record"), Part(opening))
    lines = (SourceLine(each, signature(each), after=_END) for each in docs.fields)
    end = (Part(closing), Part("?;" if docs.is_nullable else ";"))
    return DeclarationSource(beginning, tuple(lines), end)


@declaration_source.register
def _(docs: ObjectTypeDocs) -> DeclarationSource:
    methods = (SourceLine(each, signature(each), after=_END) for each in _own(docs.methods))
    end = (Part("}"), Part("?;" if docs.is_nullable else ";"))
    opening = (*_object_header(docs), Part(" "), Part("{"))
    return DeclarationSource(opening, (*_object_members(docs), *methods), end)


@declaration_source.register
def _(docs: ClassDocs) -> DeclarationSource:
    methods = (SourceLine(each, signature(each), after=_body(each)) for each in _own(docs.methods))
    opening = (*_signature(docs), Part(" "), Part("{"))
    return DeclarationSource(opening, (*_object_members(docs), *methods), (Part("}"),))


def _own(methods: Iterable[FunctionDocs]) -> Iterable[FunctionDocs]:
    return (each for each in methods if each.inclusion_type is None)


def _object_members(docs: ObjectTypeDocs | ClassDocs) -> Iterator[SourceLine]:
    for each in docs.inclusions:
        yield SourceLine(None, (Part("*"), *type_parts(each)), after=_END)
    for field in (each for each in docs.fields if each.type):
        yield SourceLine(field, signature(field), before=(*keywords("public"),), after=_END)
