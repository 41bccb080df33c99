"""The fields of records, object types and classes, with those of the types that they include."""

from collections.abc import Iterator

from shared.domain.api_docs.model import (
    ClassDocs,
    FieldFacts,
    ObjectTypeDocs,
    RecordDocs,
    Type,
    VariableDocs,
)

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
            yield _field(member, source)


def _field(member: Type, source: Type) -> VariableDocs:
    facts = member.field or NO_FACTS
    return VariableDocs(
        name=member.name or "",
        description=member.description or "",
        description_sections=facts.description_sections,
        is_deprecated=facts.is_deprecated,
        inclusion_type=facts.origin or source,
        is_read_only=facts.is_read_only,
        documentation=facts.documentation or member.description or "",
        default_value=facts.default_value,
        type=member.element_type,
        is_final=facts.is_final,
    )
