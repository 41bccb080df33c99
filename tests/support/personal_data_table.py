"""The tables of docs/run/personal-data.md, as the records declare them, and the fields that no
declaration names.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import groupby
from pathlib import Path
from pkgutil import walk_packages

from msgspec import Struct

import shared.domain
from shared.declarations.personal_data import PERSONAL_RECORDS, PersonalField, PersonalRecord
from shared.domain.entities import Entity
from shared.domain.records import Record
from tests.support.markdown_tables import markdown_table

ABOUT_NOBODY = Path(__file__).parents[1] / "repo/fields_about_nobody.txt"
_HEAD = ("field", "why", "how long", "how it goes")


def personal_data_tables() -> str:
    """Return a table for each record, in Markdown."""
    return "\n\n".join(map(_table, PERSONAL_RECORDS))


def _table(declared: PersonalRecord) -> str:
    table = markdown_table(_HEAD, _rows(declared.fields))
    return f"**`{declared.record.__name__}`** ({declared.where})\n\n{table}"


def _rows(fields: Mapping[str, PersonalField]) -> Iterator[tuple[str, ...]]:
    """Yield a row for the fields that have the same sentence."""
    for field, names in groupby(fields, lambda name: fields[name]):
        listed = ", ".join(f"`{name}`" for name in names)
        yield listed, field.why, field.lifetime.kept, field.lifetime.goes


@cache
def own_fields() -> Mapping[str, frozenset[str]]:
    """Return the fields that each record adds to those of the records that it extends."""
    for module in walk_packages(shared.domain.__path__, "shared.domain."):
        import_module(module.name)
    fields = dict[str, frozenset[str]]()
    for record in _below(Record):
        inherited = {name for base in record.__mro__[1:] for name in _fields(base)}
        fields[record.__name__] = frozenset(_fields(record) - inherited)
    structs = (each.record for each in PERSONAL_RECORDS if issubclass(each.record, Struct))
    fields |= {each.__name__: frozenset(each.__struct_fields__) for each in structs}
    return {name: own for name, own in fields.items() if own and name != Entity.__name__}


def _fields(record: type) -> set[str]:
    return set(record.model_fields) if issubclass(record, Record) else set()


def _below(record: type[Record]) -> Iterator[type[Record]]:
    for each in record.__subclasses__():
        if each.__module__.startswith("shared.domain."):
            yield each
        yield from _below(each)


def personal_fields() -> Mapping[str, frozenset[str]]:
    """Return the declared fields about people, by the name of their record."""
    return {each.record.__name__: frozenset(each.fields) for each in PERSONAL_RECORDS}


def fields_about_nobody() -> Mapping[str, frozenset[str]]:
    """Return the fields of the list, by the name of their record."""
    lines = ABOUT_NOBODY.read_text("utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {record: frozenset(fields.split()) for record, _, fields in pairs}
