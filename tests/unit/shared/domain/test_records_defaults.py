"""The defaults of records that are stored without them: in the directory and the lists of releases
of a registry in the cloud, in lists of revocations, in packed symbols, and in bundles.

Whoever reads such a record puts the defaults of their own code in, so a changed default changes
every record that was stored before.
"""

import dataclasses
import typing
from collections.abc import Iterator
from importlib import import_module

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from shared.domain.api_docs.symbols import Symbol
from shared.domain.bundles import (
    BundledDocument,
    BundledRelease,
    BundledWithdrawal,
    CatalogueEntry,
)
from shared.domain.entities import Entity
from shared.domain.packages import ReleaseEntry
from shared.domain.revocations import Revocation

pytestmark = pytest.mark.measured

WHAT_TO_DO = """
These records are stored without fields that have their default, and read with the default that the
code has then. If a line with `-` and a line with `+` have the same field, every record that lacks
the field would be read with a value that nobody wrote: keep the default, and give the new one to a
field with another name. A field or a record that is new, or gone, harms nothing: run this file of
tests with --snapshot-update, and commit the golden.
"""

OTHERS: tuple[type, ...] = (
    ReleaseEntry,
    Revocation,
    Symbol,
    BundledRelease,
    BundledDocument,
    BundledWithdrawal,
    CatalogueEntry,
)
NOT_STORED = {"revision", "outbox"}  # Of an entity, beside its other fields.


def kinds(of: type[Entity] = Entity) -> Iterator[type[Entity]]:
    """Yield every kind of entity."""
    for each in of.__subclasses__():
        if hasattr(each, "kind") and each.__module__.startswith("shared."):
            yield each
        yield from kinds(each)


def fields_of(record: type) -> dict[str, tuple[object, object]]:
    """Return the annotation and the default of each field, by its stored name; undefined if it has
    none."""
    if issubclass(record, BaseModel):
        return {
            field.serialization_alias or name: (
                field.annotation,
                field.get_default(call_default_factory=True),
            )
            for name, field in record.model_fields.items()
        }
    hints = typing.get_type_hints(record)
    return {
        field.name: (
            hints[field.name],
            PydanticUndefined if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(record)
    }


def as_json(default: object) -> object:
    if isinstance(default, frozenset):
        return sorted(to_jsonable_python(default))
    return to_jsonable_python(default)


def records_in(annotation: object) -> Iterator[type]:
    """Yield the records that a value of the annotation may have."""
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)
    ):
        yield annotation
    for each in typing.get_args(annotation):
        yield from records_in(each)


def stored_records() -> Iterator[type]:
    """Yield every kind of stored record, and the records that their fields may have."""
    import_module("shared.registry")  # Imports every kind of entity.
    waiting = [*kinds(), *OTHERS]
    known = set[type]()
    while waiting:
        record = waiting.pop()
        if record in known:
            continue
        known.add(record)
        yield record
        for annotation, _ in fields_of(record).values():
            waiting += records_in(annotation)


def defaults_of_stored_records() -> dict[str, dict[str, object]]:
    found = dict[str, dict[str, object]]()
    for record in stored_records():
        assert record.__name__ not in found, f"Two stored records are called {record.__name__}."
        found[record.__name__] = {
            name: as_json(default)
            for name, (_, default) in fields_of(record).items()
            if default is not PydanticUndefined
            and not (issubclass(record, Entity) and name in NOT_STORED)
        }
    return {name: fields for name, fields in sorted(found.items()) if fields}


def test_no_default_of_a_record_changes_that_is_stored_without_it(
    snapshot: SnapshotAssertion,
) -> None:
    golden = snapshot.use_extension(JSONSnapshotExtension)
    assert defaults_of_stored_records() == golden, WHAT_TO_DO


def test_a_field_is_read_and_written_under_the_same_stored_name() -> None:
    renamed = {
        (record.__name__, name): (field.validation_alias, field.serialization_alias)
        for record in stored_records()
        if issubclass(record, BaseModel)
        for name, field in record.model_fields.items()
        if field.validation_alias or field.serialization_alias
    }
    assert renamed == {
        ("GoneRelease", "is_mailed"): ("is_told", "is_told"),
        ("OrganizationUsage", "is_mailed"): ("is_told", "is_told"),
        ("Release", "is_disclosed"): ("is_told", "is_told"),
        ("Release", "is_held_for_owner"): ("awaits_owner", "awaits_owner"),
        ("Release", "needs_sigstore"): ("awaits_sigstore", "awaits_sigstore"),
        ("WithheldNote", "is_held_for_owner"): ("awaits_owner", "awaits_owner"),
    }
