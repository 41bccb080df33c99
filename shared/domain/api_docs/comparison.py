"""The changes of the API between two versions of a package, and which of them break callers.

`docs/api-changes.md` lists the rules. A parameter may accept more, a result may promise more; a
field is both read and written, so any other type breaks someone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from shared.domain.api_docs.change_rules import ChangeLevel, added, changed, removed
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.signatures import signature_text
from shared.domain.versions import Version


class ApiChangeKind(Enum):
    """What happened to a symbol."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiChange:
    """A change of one symbol: `symbol` is `name` or `Owner.member`; a signature is empty where the
    symbol does not exist; `reasons` are sentences, the gravest first."""

    kind: ApiChangeKind
    module: str
    symbol: str
    declares: str  # `function`, `method`, `field`, `record`…
    before: str = ""
    after: str = ""
    level: ChangeLevel
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiComparison:
    """The changes from one version to another, in the order of modules and symbols."""

    before: Version
    after: Version
    changes: tuple[ApiChange, ...]

    @property
    def required(self) -> ChangeLevel:
        """Return the part of the version that these changes require to be raised."""
        return max((each.level for each in self.changes), default=ChangeLevel.PATCH)

    @property
    def published(self) -> ChangeLevel:
        """Return the part that the author raised. Before 1.0.0 a raised minor part announces what
        a raised major part announces later, and a raised patch part what a minor part does."""
        old, new = self.before.precedence, self.after.precedence
        if old[0] != new[0]:
            return ChangeLevel.MAJOR
        raised = ChangeLevel.MINOR if old[1] != new[1] else ChangeLevel.PATCH
        return raised if new[0] else ChangeLevel(min(raised + 1, ChangeLevel.MAJOR))

    @property
    def breaking(self) -> tuple[ApiChange, ...]:
        return tuple(each for each in self.changes if each.level is ChangeLevel.MAJOR)

    @property
    def is_version_too_low(self) -> bool:
        """Check whether the author raised less than the changes require. A pre-release may break
        anything."""
        return self.after.is_stable and self.published < self.required


def compare(
    before: tuple[Version, Sequence[ModuleDocs]], after: tuple[Version, Sequence[ModuleDocs]]
) -> ApiComparison:
    """Compare the documented modules of two versions of a package."""
    old = {module.id: module for module in before[1]}
    new = {module.id: module for module in after[1]}
    changes = chain.from_iterable(
        _module_changes(name, old.get(name), new.get(name)) for name in sorted(old | new)
    )
    return ApiComparison(before[0], after[0], tuple(changes))


def _module_changes(
    name: str, before: ModuleDocs | None, after: ModuleDocs | None
) -> Iterator[ApiChange]:
    if not before or not after:
        kind = ApiChangeKind.ADDED if after else ApiChangeKind.REMOVED
        level = ChangeLevel.MINOR if after else ChangeLevel.MAJOR
        reasons = (f"The module was {kind.value}.",)
        yield ApiChange(
            kind=kind, module=name, symbol=name, declares="module", level=level, reasons=reasons
        )
        return
    old, new = _symbols(before), _symbols(after)
    for path in sorted(old | new, key=_order):
        owner = (new.get(path) or old[path]).owner
        if owner is None or _are_comparable(old.get(owner.path), new.get(owner.path)):
            yield from _symbol_changes(name, path, old, new)


def _symbols(module: ModuleDocs) -> dict[str, DocsSymbol]:
    """Return the symbols of a module by their paths."""
    found: dict[str, DocsSymbol] = {}
    for _, declaration in declared(module):
        for symbol in (declaration, *declaration.all_members()):
            found[symbol.path] = symbol
    return found


def _order(path: str) -> tuple[str, bool, str]:
    """Sort by name; annotations come after types of the same name."""
    name = _name(path)
    return name.lower(), name != path, path


def _name(path: str) -> str:
    return path.removeprefix("@")


def _are_comparable(before: DocsSymbol | None, after: DocsSymbol | None) -> bool:
    """Check whether members are listed; those of a type that was added or removed are not."""
    return before is not None and after is not None and before.kind == after.kind


def _symbol_changes(
    module: str, path: str, old: Mapping[str, DocsSymbol], new: Mapping[str, DocsSymbol]
) -> Iterator[ApiChange]:
    if path not in old:
        kind, shown, reasons = ApiChangeKind.ADDED, new[path], added(new[path])
    elif path not in new:
        kind, shown, reasons = ApiChangeKind.REMOVED, old[path], removed(old[path])
    else:
        kind, shown, reasons = ApiChangeKind.CHANGED, new[path], changed(old[path], new[path])
    found = sorted(reasons, key=lambda reason: -reason[0])
    if found:
        yield ApiChange(
            kind=kind,
            module=module,
            symbol=_name(path),
            declares=shown.kind,
            before=_signature(old.get(path)),
            after=_signature(new.get(path)),
            level=found[0][0],
            reasons=tuple(sentence for _, sentence in found),
        )


def _signature(symbol: DocsSymbol | None) -> str:
    return signature_text(symbol.docs) if symbol else ""
