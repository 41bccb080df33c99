"""The symbols of a module by their paths: declarations, and their members; and how many of them
have a doc comment.
"""

from collections.abc import Iterator

from msgspec import Struct

from shared.ballerina.doc_comments import deprecation_in, without_deprecation
from shared.domain.api_docs.model import (
    ClassDocs,
    DeclarationKind,
    Documented,
    EnumDocs,
    FieldFacts,
    ModuleDocs,
    ObjectTypeDocs,
    RecordDocs,
    Type,
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.symbols import path_of
from shared.domain.markdown_summaries import first_sentence

METHOD = "method"
FIELD = "field"
ENUM_MEMBER = "enum member"


class DocsSymbol(Struct, frozen=True):
    """A declaration, or a member of the declaration `owner`.

    `path` is its name in the module: `Client`, `Client.get`, `Client.get users/[int id]`, `@Tag`.
    """

    path: str
    title: str
    kind: str
    docs: Documented
    owner: "DocsSymbol | None" = None

    @property
    def summary(self) -> str:
        """The first sentence of the comment."""
        return first_sentence(self.comment)

    @property
    def deprecation(self) -> str | None:
        """The replacement that the comment names; None if the declaration is not deprecated."""
        if not self.docs.is_deprecated:
            return None
        sections = self.docs.description_sections or ()
        return deprecation_in((*sections, self.docs.documentation))

    @property
    def comment(self) -> str:
        """The comment as Markdown, without what it says to use instead."""
        text = self.docs.documentation or self.docs.description or ""
        return text if self.deprecation is None else without_deprecation(text)

    def members(self) -> Iterator["DocsSymbol"]:
        """Yield the fields, methods and enum members that have pages, in source order."""
        docs = self.docs
        if isinstance(docs, RecordDocs | ObjectTypeDocs | ClassDocs):
            named = (each for each in docs.fields if each.name)
            yield from (self._member(FIELD, each.name, each) for each in named)
        if isinstance(docs, ObjectTypeDocs | ClassDocs):
            yield from (self._member(METHOD, each.title, each) for each in docs.methods)
        if isinstance(docs, EnumDocs):
            yield from (self._member(ENUM_MEMBER, each.name, each) for each in docs.members)

    def included_fields(self) -> Iterator["DocsSymbol"]:
        """Yield the fields of included types that the declaration does not write itself. They have
        no pages of their own."""
        docs = self.docs
        if isinstance(docs, RecordDocs | ObjectTypeDocs | ClassDocs):
            yield from (self._member(FIELD, each.name, each) for each in included_fields(docs))

    def all_members(self) -> Iterator["DocsSymbol"]:
        """Yield the fields of included types, and the members."""
        yield from self.included_fields()
        yield from self.members()

    def _member(self, kind: str, title: str, docs: Documented) -> "DocsSymbol":
        return DocsSymbol(f"{self.path}.{title}", title, kind, docs, self)


def declared(module: ModuleDocs) -> Iterator[tuple[DeclarationKind, DocsSymbol]]:
    for kind, docs in declarations_of(module):
        yield kind, DocsSymbol(path_of(kind.value, docs.name), docs.name, kind.value, docs)


Inclusions = list[tuple[Type, list[DocsSymbol]]]


def inclusions_of(symbol: DocsSymbol) -> Inclusions:
    """Return the included fields below the types that declare them. Records of other packages
    whose fields are not known come last, without any."""
    found: dict[Type, list[DocsSymbol]] = {}
    for field in symbol.included_fields():
        origin = field.docs.inclusion_type if isinstance(field.docs, VariableDocs) else None
        found.setdefault(origin or Type(), []).append(field)
    unknown = (
        each.inclusion_type
        for each in (symbol.docs.fields if isinstance(symbol.docs, RecordDocs) else ())
        if each.is_inclusion
    )
    return [*found.items(), *((each, []) for each in unknown if each and not each.member_types)]


# --- How much has a doc comment -----------------------------------------------------------------


def undocumented(module: ModuleDocs) -> Iterator[str]:
    """Yield the declarations and methods without a comment: `Client`, `Client.get`."""
    return (each.path for each in _commented(module) if not (each.docs.description or "").strip())


def count_documented(module: ModuleDocs) -> tuple[int, int]:
    """Return how many declarations and methods have a comment, and how many there are."""
    count = sum(1 for _ in _commented(module))
    return count - sum(1 for _ in undocumented(module)), count


def _commented(module: ModuleDocs) -> Iterator[DocsSymbol]:
    for _, declaration in declared(module):
        yield declaration
        yield from (each for each in declaration.members() if each.kind == METHOD)


NO_FACTS = FieldFacts()


def all_fields(docs: RecordDocs | ObjectTypeDocs | ClassDocs) -> Iterator[VariableDocs]:
    """Yield the named fields, those that are written in the declaration before included ones.

    `inclusion_type` of an included field is the type that declares it, and None of others. A field
    that is written again counts as the declaration's own; of two that are included, the first.
    """
    own = [each for each in docs.fields if each.name]
    yield from own
    yield from included_fields(docs)


def included_fields(docs: RecordDocs | ObjectTypeDocs | ClassDocs) -> Iterator[VariableDocs]:
    """Yield the fields of included types, without those that the declaration writes again."""
    taken = {each.name for each in docs.fields}
    for entry in docs.fields:
        for field in fields_of_inclusion(entry):
            if field.name not in taken:
                taken.add(field.name)
                yield field


def fields_of_inclusion(entry: VariableDocs) -> Iterator[VariableDocs]:
    """Yield all fields of one inclusion; of another package's record that is not known, none."""
    included = entry.inclusion_type
    if included is None or not entry.is_inclusion:
        return
    source = included.model_copy(update={"member_types": ()})
    for member in included.member_types:
        if member.name:  # The rest field has none.
            facts = member.field or NO_FACTS
            description = member.description or ""
            yield VariableDocs(
                name=member.name,
                description=description,
                description_sections=facts.description_sections,
                is_deprecated=facts.is_deprecated,
                inclusion_type=facts.origin or source,
                is_read_only=facts.is_read_only,
                documentation=facts.documentation or description,
                default_value=facts.default_value,
                type=member.element_type,
                is_final=facts.is_final,
            )
