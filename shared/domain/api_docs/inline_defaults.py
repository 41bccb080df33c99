"""The defaults of fields of inline records, such as `record {| int a = 1; |}`.

They are no part of a type: a value belongs to it or not, whoever gave its fields.
"""

from collections.abc import Iterator

from shared.domain.api_docs.change_levels import MAJOR, PATCH, Reason, TwoVersions
from shared.domain.api_docs.model import Type

_PARTS = ("element_type", "constraint", "definition")
_LISTS = ("member_types", "type_parameters")


def default_changes(
    old: Type | None, new: Type | None, versions: TwoVersions, path: str = ""
) -> Iterator[Reason]:
    """Yield what other defaults of inline records in a type require; `path` is its place. A type
    with another number of such records is another type."""
    before, after = list(_inline_records(old)), list(_inline_records(new))
    if len(before) == len(after):
        for was, now in zip(before, after, strict=True):
            yield from _field_changes(was, now, versions, path)


def _inline_records(docs: Type | None) -> Iterator[Type]:
    """Yield the inline records of a type, but not those in them or in signatures."""
    if docs is None or docs.is_lambda:
        return
    if (docs.category or "").startswith("inline_") and not docs.is_array_type:
        yield docs
        return
    for name in _PARTS:
        yield from _inline_records(getattr(docs, name))
    for name in _LISTS:
        for each in getattr(docs, name) or ():
            yield from _inline_records(each)


def _field_changes(old: Type, new: Type, versions: TwoVersions, path: str) -> Iterator[Reason]:
    before = {each.name: each for each in old.member_types if each.name}
    for now in new.member_types:
        was = before.get(now.name or "")
        if was is not None:
            at = f"{path}.{now.name}".removeprefix(".")
            yield from _default_change(was, now, versions, at)
            yield from default_changes(was.element_type, now.element_type, versions, at)


def _default_change(was: Type, now: Type, versions: TwoVersions, at: str) -> Iterator[Reason]:
    before, after = map(_default_of, (was, now))
    if before and not after:
        if not (now.element_type and now.element_type.is_optional):
            level = MAJOR if versions.has_input else PATCH
            yield level, f"The field {at} has no default any more."
    elif versions.has_other_value(before, after):
        yield PATCH, f"The field {at} has another default."


def _default_of(member: Type) -> str:
    return member.field.default_value if member.field else ""
