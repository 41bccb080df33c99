"""The changes of the API between two versions of a package, which of them break
callers, and the words in which two signatures differ.

`docs/develop/api-changes.md` lists the rules.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import Enum
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.api_docs.change_rules import (
    ChangeLevel,
    Directions,
    TwoVersions,
    added,
    changed,
    have_comparable_members,
    removed,
)
from shared.domain.api_docs.model import EnumMemberDocs, FunctionDocs, ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.records import MAX_EXAMPLES, ApiVerdict
from shared.domain.api_docs.signatures import signature_text
from shared.domain.api_docs.type_parts import path_segments
from shared.domain.api_docs.type_relations import NamedTypes
from shared.domain.coordinates import Coordinate
from shared.domain.versions import Version

_EXAMPLE_LENGTH = 100  # Characters of a change in a sentence.


class ApiChangeKind(Enum):
    """The kinds of changes of a symbol."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class ApiChange(Struct, frozen=True, kw_only=True):
    """A change of one symbol: `symbol` is `name` or `Owner.member`; a signature is empty where the
    symbol does not exist; `reasons` are sentences, the most severe first."""

    kind: ApiChangeKind
    module: str
    symbol: str
    declares: str  # `function`, `method`, `field`, `record`…
    before: str = ""
    after: str = ""
    level: ChangeLevel
    reasons: tuple[str, ...] = ()


class ApiComparison(Struct, frozen=True):
    """The changes from one version to another, in the order of modules and symbols."""

    before: Version
    after: Version
    changes: tuple[ApiChange, ...]

    @property
    def required(self) -> ChangeLevel:
        """The part of the version that these changes require to be raised."""
        return max((each.level for each in self.changes), default=ChangeLevel.PATCH)

    @property
    def published(self) -> ChangeLevel:
        """The part that the author raised. Before 1.0.0 a raised minor part announces what
        a raised major part announces later, and a raised patch part what a minor part does."""
        old = self.before.precedence
        new = self.after.precedence
        if old[0] != new[0]:
            return ChangeLevel.MAJOR
        raised = ChangeLevel.MINOR if old[1] != new[1] else ChangeLevel.PATCH
        return raised if new[0] else ChangeLevel(min(raised + 1, ChangeLevel.MAJOR))

    @property
    def breaking(self) -> tuple[ApiChange, ...]:
        return tuple(each for each in self.changes if each.level is ChangeLevel.MAJOR)

    @property
    def is_version_too_low(self) -> bool:
        """Whether the author raised less than the changes require. A pre-release may break
        anything."""
        return self.after.is_stable and self.published < self.required


def compare(
    before: tuple[Version, Sequence[ModuleDocs]], after: tuple[Version, Sequence[ModuleDocs]]
) -> ApiComparison:
    """Compare the documented modules of two versions of a package."""
    old = {module.id: module for module in before[1]}
    new = {module.id: module for module in after[1]}
    names = NamedTypes.of(before[1]), NamedTypes.of(after[1])
    versions = TwoVersions("", *names, Directions.of(before[1], names[0]))
    changes = chain.from_iterable(
        _module_changes(name, old.get(name), new.get(name), versions) for name in sorted(old | new)
    )
    return ApiComparison(before[0], after[0], tuple(changes))


def _module_changes(
    name: str, before: ModuleDocs | None, after: ModuleDocs | None, versions: TwoVersions
) -> Iterator[ApiChange]:
    if not before or not after:
        kind = ApiChangeKind.ADDED if after else ApiChangeKind.REMOVED
        level = ChangeLevel.MINOR if after else ChangeLevel.MAJOR
        reasons = (f"The module was {kind.value}.",)
        yield ApiChange(
            kind=kind, module=name, symbol=name, declares="module", level=level, reasons=reasons
        )
        return
    versions = replace(versions, module=f"{before.org_name}/{name}")
    old = _symbols(before)
    new = _symbols(after)
    found: list[ApiChange] = []
    for key in {**old, **new}:
        was = old.get(key)
        now = new.get(key)
        owner = now.owner if now else old[key].owner
        if owner is not None and (was is None or now is None or was.owner):
            owners = old.get(_key(owner)), new.get(_key(owner))
            if not (owners[0] and owners[1] and have_comparable_members(owners[0], owners[1])):
                continue
        found += _change(name, was, now, versions)
    # Annotations come after types of the same name.
    yield from sorted(found, key=lambda each: (each.symbol.lower(), each.declares == "annotation"))


def _symbols(module: ModuleDocs) -> dict[str, DocsSymbol]:
    return {
        _key(symbol): symbol
        for _, declaration in declared(module)
        for symbol in (declaration, *declaration.all_members())
    }


def _key(symbol: DocsSymbol) -> str:
    """Return the path of a symbol without the quotes of names and the names of path parameters. A
    member of an enum is a constant of its module."""
    docs = symbol.docs
    path = symbol.path
    if isinstance(docs, EnumMemberDocs):
        path = docs.name
    elif isinstance(docs, FunctionDocs) and docs.is_resource and symbol.owner:
        segments = path_segments(docs.resource_path)
        written = "/".join(
            f"[{each.type}{'...' if each.is_rest else ''}]" if each.is_parameter else each.text
            for each in segments
        )
        path = f"{symbol.owner.path}.{docs.accessor} {written}"
    return path.replace("'", "")


def _change(
    module: str, before: DocsSymbol | None, after: DocsSymbol | None, versions: TwoVersions
) -> Iterator[ApiChange]:
    if before and after:
        kind = ApiChangeKind.CHANGED
        reasons = changed(before, after, versions)
    elif after:
        kind = ApiChangeKind.ADDED
        reasons = added(after, versions)
    elif before:
        kind = ApiChangeKind.REMOVED
        reasons = removed(before, versions)
    else:
        return
    found = sorted(reasons, key=lambda reason: -reason[0])
    shown = after or before
    if found and shown:
        yield ApiChange(
            kind=kind,
            module=module,
            symbol=shown.path.removeprefix("@"),
            declares=shown.kind,
            before=signature_text(before.docs) if before else "",
            after=signature_text(after.docs) if after else "",
            level=found[0][0],
            reasons=tuple(sentence for _, sentence in found),
        )


def verdict_of(coordinate: Coordinate, compared: ApiComparison) -> ApiVerdict:
    """Return the verdict of a comparison on the later release."""
    return ApiVerdict(
        org=coordinate.package.org,
        name=coordinate.package.name,
        version=coordinate.version.text,
        compared_with=compared.before.text,
        required=compared.required.name.lower(),
        published=compared.published.name.lower(),
        changes=len(compared.changes),
        breaking=len(compared.breaking),
        is_version_too_low=compared.is_version_too_low,
        examples=tuple(map(_example, compared.breaking[:MAX_EXAMPLES])),
    )


def _example(change: ApiChange) -> str:
    """Return a change in a few words, such as `removed function hello`."""
    named = f"{change.kind.value} {change.declares} {change.symbol}"
    return named if len(named) <= _EXAMPLE_LENGTH else f"{named[: _EXAMPLE_LENGTH - 1]}…"


# --- Two signatures as one text, whose words were kept, deleted or inserted ----------------------

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class WordChange(Enum):
    """A change of words; its value is the HTML element that marks it."""

    KEPT = "span"
    DELETED = "del"
    INSERTED = "ins"


class ChangedWords(Struct, frozen=True):
    """Words that follow each other and share a fate."""

    change: WordChange
    text: str


def changed_words(before: str, after: str) -> Iterator[ChangedWords]:
    """Yield the words of both texts in order."""
    old = _WORD.findall(before)
    new = _WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, begin, end, new_begin, new_end in matcher.get_opcodes():
        if kind == "equal":
            yield ChangedWords(WordChange.KEPT, "".join(old[begin:end]))
        else:
            yield from _replaced("".join(old[begin:end]), "".join(new[new_begin:new_end]))


def _replaced(before: str, after: str) -> Iterator[ChangedWords]:
    if before:
        yield ChangedWords(WordChange.DELETED, before)
    if after:
        yield ChangedWords(WordChange.INSERTED, after)
