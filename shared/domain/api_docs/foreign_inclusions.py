"""Records of other packages that records include, in comparisons.

A document names such an inclusion with the version that the release was built with, and has none of
its fields. A comparison reads the two documents and nothing else, so it never depends on what other
packages withdraw or make private.
"""

from collections.abc import Iterator

from shared.domain.api_docs.change_levels import MAJOR, MINOR, PATCH, Reason, TwoVersions
from shared.domain.api_docs.fields import all_fields
from shared.domain.api_docs.model import RecordDocs, Type
from shared.domain.api_docs.named_types import NamedTypes, is_foreign
from shared.domain.api_docs.outline import DocsSymbol
from shared.domain.resolution import are_compatible
from shared.domain.versions import Version

_Included = dict[str, Type]  # Inclusions by their full names.


def _foreign(docs: RecordDocs, names: NamedTypes) -> _Included:
    """Return the inclusions of a record that its package does not declare."""
    found = (each.inclusion_type for each in docs.fields if is_foreign(each))
    named = {f"{each.org_name}/{each.module_name}:{each.name}": each for each in found if each}
    return {name: each for name, each in named.items() if name not in names.declared}


def _short(included: Type) -> str:
    return f"{included.module_name}:{included.name}"


# --- Reasons ------------------------------------------------------------------------------------


def inclusion_changes(old: RecordDocs, new: RecordDocs, versions: TwoVersions) -> Iterator[Reason]:
    """Yield what other inclusions require. Where an inclusion and fields took each other's place,
    nobody can say whether these fields are the same."""
    before, after = _foreign(old, versions.before), _foreign(new, versions.after)
    names = [{each.name for each in all_fields(docs)} for docs in (old, new)]
    for name, included in before.items():
        if name in after:
            yield from _version_change(included, after[name])
        else:
            is_replaced = names[1] - names[0] or after.keys() - before.keys()
            yield PATCH if is_replaced else MAJOR, f"It no longer includes {_short(included)}."
    is_replaced = names[0] - names[1] or before.keys() - after.keys()
    for name, included in after.items():
        if name not in before:
            yield PATCH if is_replaced else MINOR, f"It includes {_short(included)} now."


def _version_change(was: Type, now: Type) -> Iterator[Reason]:
    before, after = was.version, now.version
    if before and after and not are_compatible(Version.parse(before), Version.parse(after)):
        versions = f"version {after} instead of {before}"
        yield MAJOR, f"It includes {_short(now)} of {versions}, and a build cannot have both."


def moved_field(symbol: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield what it requires that a record lost a field as it included another package's record, or
    gained one as it ceased to; nothing if neither is so."""
    owner = symbol.owner
    name = f"{versions.module}:{owner.docs.name}" if owner else ""
    old, new = (each.declared.get(name) for each in (versions.before, versions.after))
    if owner is None or not isinstance(old, RecordDocs) or not isinstance(new, RecordDocs):
        return
    before, after = _foreign(old, versions.before), _foreign(new, versions.after)
    is_new = all(each.name != symbol.docs.name for each in all_fields(old))
    other = before if is_new else after
    moved = [_short(other[each]) for each in other if not (each in before and each in after)]
    if moved and is_new:
        yield PATCH, f"It was added, unless {moved[0]} had it, which {owner.title} included."
    elif moved:
        yield PATCH, f"It was removed, unless {moved[0]} has it, which {owner.title} includes now."


# --- What a comparison says of itself -------------------------------------------------------------


def included_elsewhere(before: NamedTypes, after: NamedTypes) -> Iterator[str]:
    """Yield the modules of other packages whose included fields a comparison lacks, and which may
    differ: with the version, and the one before."""
    for was, now in _inclusions_of_both(before, after):
        for name in {**was, **now}:
            yield from _other_module(was.get(name), now.get(name))


def has_moved_fields(before: NamedTypes, after: NamedTypes) -> bool:
    """Check whether a record includes other records of other packages than before."""
    return any(was.keys() != now.keys() for was, now in _inclusions_of_both(before, after))


def _inclusions_of_both(
    before: NamedTypes, after: NamedTypes
) -> Iterator[tuple[_Included, _Included]]:
    """Yield what each record includes that both versions have."""
    for name, old in before.declared.items():
        new = after.declared.get(name)
        if isinstance(old, RecordDocs) and isinstance(new, RecordDocs):
            yield _foreign(old, before), _foreign(new, after)


def _other_module(was: Type | None, now: Type | None) -> Iterator[str]:
    included = now or was
    if included and included.version and not (was and now and was.version == now.version):
        module = f"{included.org_name}/{included.module_name} {included.version}"
        yield f"{module}, which was {was.version}" if was and now else module
