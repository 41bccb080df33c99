"""Fields that records include from records of other packages, as far as these are known.

A generated document names such inclusions alone, since it depends on the sources of its release and
on nothing else. `OtherRecords` completes it.
"""

from collections.abc import Callable, Collection, Iterator

from msgspec import Struct, field

from shared.domain.api_docs.model import FieldFacts, ModuleDocs, RecordDocs, Type, VariableDocs

# The longest followed chain of records that include each other, or of aliases of aliases.
CHAIN_LIMIT = 100

ModuleKey = tuple[str, str]  # Organization and name.
RecordKey = tuple[str, str, str]  # Organization and name of its module, and its own name.


class _Known(Struct, frozen=True):
    """The fields of a record, as members of types that include it."""

    name: str
    members: tuple[Type, ...]
    rest: tuple[Type, ...]
    inclusions: tuple[Type, ...]


class OtherRecords(Struct):
    """Adds the fields of other packages' records to the modules of a package, whose keys are
    `own`. `module_of` returns a module of this package or of another one, or None.

    `took` are the modules of other packages that fields are from, and `awaited` those that are not
    known; `completed` and `incomplete` are the records that this is about.
    """

    own: Collection[ModuleKey]
    module_of: Callable[[ModuleKey], ModuleDocs | None]
    took: set[ModuleKey] = field(default_factory=set[ModuleKey])
    awaited: set[ModuleKey] = field(default_factory=set[ModuleKey])
    completed: set[str] = field(default_factory=set[str])
    incomplete: set[str] = field(default_factory=set[str])
    _records: dict[RecordKey, _Known | None] = field(default_factory=dict[RecordKey, _Known | None])

    def complete(self, module: ModuleDocs) -> ModuleDocs:
        """Return a module with all that is known; the same one if that is nothing."""
        records = tuple(map(self._record, module.records))
        return module.model_copy(update={"records": records}) if self.completed else module

    def _record(self, record: RecordDocs) -> RecordDocs:
        fields = tuple(self._entry(record, each) for each in record.fields)
        if all(new is old for new, old in zip(fields, record.fields, strict=True)):
            return record
        self.completed.add(record.name)
        return record.model_copy(update={"fields": fields})

    def _entry(self, record: RecordDocs, entry: VariableDocs) -> VariableDocs:
        included = entry.inclusion_type
        if included is None or not entry.is_inclusion:
            return entry
        added = tuple(self._added(included, record.name))
        if not added:
            return entry
        members = {each.name: each for each in reversed((*included.member_types, *added))}
        rest = members.pop(None, None)
        whole = (*reversed(members.values()), *((rest,) if rest else ()))
        update = {"inclusion_type": included.model_copy(update={"member_types": whole})}
        return entry.model_copy(update=update)

    def _added(self, included: Type, record: str) -> Iterator[Type]:
        """Yield the members that an inclusion takes over from records of other packages."""
        waiting = [included]
        seen = set[RecordKey]()
        while waiting and len(seen) < CHAIN_LIMIT:
            current = waiting.pop(0)
            key = (current.org_name or "", current.module_name or "", current.name or "")
            if key in seen:
                continue
            seen.add(key)
            known = self._known(key)
            if known is None and self.module_of(key[:2]) is None:
                self.awaited.add(key[:2])
                self.incomplete.add(record)
            if known is None:
                continue
            waiting += known.inclusions
            if key[:2] not in self.own:
                self.took.add(key[:2])
                is_named = current is included and known.name == current.name
                yield from known.members if is_named else _from(current, known)
                yield from known.rest if current is included else ()

    def _known(self, key: RecordKey) -> _Known | None:
        if key not in self._records:
            module = self.module_of(key[:2])
            record = _record_of(module, key[2]) if module else None
            self._records[key] = _known(record) if record else None
        return self._records[key]


def _record_of(module: ModuleDocs, name: str) -> RecordDocs | None:
    records = {each.name: each for each in module.records}
    aliases = {each.name: each.member_types for each in module.simple_name_reference_types}
    for _ in range(CHAIN_LIMIT):
        if name in records:
            return records[name]
        (target,) = aliases.get(name, ()) or (None,)
        if target is None or target.module_name != module.id:
            return None
        name = target.name or ""
    return None


def _known(record: RecordDocs) -> _Known:
    members = tuple(_member(each) for each in record.fields if each.name)
    rest = (each.type for each in record.fields if each.type and each.type.is_rest_param)
    inclusions = (each.inclusion_type for each in record.fields if each.is_inclusion)
    return _Known(
        record.name,
        members,
        tuple(Type(element_type=imported(each)) for each in rest),
        tuple(imported(each) for each in inclusions if each),
    )


def _member(docs: VariableDocs) -> Type:
    """Return a field as a member of an inclusion, as `TypeTrees.inclusion` makes it of sources."""
    description = docs.description.rstrip("\n")
    text = docs.documentation
    facts = FieldFacts(
        default_value=docs.default_value,
        is_deprecated=docs.is_deprecated,
        is_read_only=docs.is_read_only,
        is_final=docs.is_final,
        description_sections=docs.description_sections,
        documentation="" if text.strip() in ("", description) else text,
    )
    return Type(
        name=docs.name,
        description=description or None,
        element_type=imported(docs.type) if docs.type else None,
        field=facts if facts != FieldFacts() else None,
    )


def _from(origin: Type, known: _Known) -> Iterator[Type]:
    """Yield members with the record that declares them."""
    declared = origin.model_copy(update={"name": known.name, "member_types": ()})
    for each in known.members:
        facts = (each.field or FieldFacts()).model_copy(update={"origin": declared})
        yield each.model_copy(update={"field": facts})


_NAMES = ("libs", "reference")  # Categories of types that are named with their module already.


def imported(docs: Type) -> Type:
    """Return a type of another package's module as a type of ours names it: of a module."""
    return with_module(docs.with_parts(imported))


def with_module(docs: Type) -> Type:
    """Return a type that is named with its module; the types in it stay."""
    is_named_alone = docs.module_name and docs.category not in _NAMES
    return docs.model_copy(update={"category": "libs"}) if is_named_alone else docs
