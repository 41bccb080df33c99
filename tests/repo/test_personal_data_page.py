"""docs/run/personal-data.md says of every field about a person why it is there and how it goes."""

import re
from itertools import pairwise

import pytest

from shared.domain.events import PERSONAL_DETAILS
from tests.paths import ROOT, docs
from tests.support.personal_data_table import (
    ABOUT_NOBODY,
    fields_about_nobody,
    own_fields,
    personal_data_tables,
    personal_fields,
)

PAGE = docs("run/personal-data")


def test_the_page_has_the_tables_of_the_declarations() -> None:
    [text] = re.findall(r"<!-- fields.*? -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert text.strip() == personal_data_tables()


@pytest.mark.parametrize("record", sorted(own_fields()))
def test_every_field_of_a_record_is_about_a_person_or_about_nobody(record: str) -> None:
    personal = personal_fields().get(record, frozenset[str]())
    nobody = fields_about_nobody().get(record, frozenset[str]())
    new = own_fields()[record] - personal - nobody
    assert not new, (
        f"{sorted(new)} of {record} is new. If it says something of a person, declare it in "
        "shared/declarations/personal_data.py and write the tables into the page; otherwise add it "
        f"to {ABOUT_NOBODY.relative_to(ROOT)}."
    )
    assert not personal & nobody


def test_no_declaration_names_a_field_that_is_gone() -> None:
    there = own_fields()
    for declared in (personal_fields(), fields_about_nobody()):
        gone = {
            record: sorted(fields - there.get(record, frozenset()))
            for record, fields in declared.items()
        }
        assert {record: fields for record, fields in gone.items() if fields} == {}


def test_the_list_of_fields_about_nobody_is_in_order() -> None:
    records = list(fields_about_nobody())
    assert records
    assert all(one < other for one, other in pairwise(records))


def test_the_page_names_every_detail_of_events_about_a_person() -> None:
    details = {name for names in PERSONAL_DETAILS.values() for name in names}
    [row] = [line for line in PAGE.splitlines() if line.startswith("| details of events")]
    assert set(re.findall(r"`([a-z-]+)`", row)) >= details
