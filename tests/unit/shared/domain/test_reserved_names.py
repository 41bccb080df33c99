"""Names that people take for one another are found, and others are left alone."""

import pytest

from shared.domain.errors.identity import PatternUnreadable
from shared.domain.names import MAX_PACKAGE_LENGTH
from shared.domain.reserved_names import is_reserved_name, parse_reserved_name
from tests.paths import central_index


@pytest.mark.parametrize(
    "name",
    ["ballerina", "Ballerinax", "ba11erina", "bal_lerina", "baIIerina", "bballerina_http",
     "ballerlnax", "balerina", "ballllerina"],
)  # fmt: skip
def test_names_that_resemble_the_operators_are_reserved(name: str) -> None:
    assert is_reserved_name(name, ())


@pytest.mark.parametrize("name", ["balx", "ballet", "my_ballerina", "ball3rina"])
def test_names_with_another_prefix_are_not_reserved(name: str) -> None:
    assert not is_reserved_name(name, ())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        *(("wso2", True), ("WSO2", True), ("wso2_internal", True), ("vvso2tools", True)),
        *(("mywso2", False), ("adrnin", True), ("admins", False), ("a1", True), ("a12", False)),
    ],
)
def test_the_operator_reserves_names_by_pattern(name: str, kept: bool) -> None:
    assert is_reserved_name(name, ("wso2*", "admin", "A?")) is kept


def test_names_of_vendors_among_real_organizations_are_reserved() -> None:
    kept = {org for line in central_index() if is_reserved_name(org := line["org"], ())}
    assert kept == {"ballerina", "ballerinademo", "ballerinax", "wso2"}


def test_a_pattern_is_as_long_as_the_longest_name_at_most() -> None:
    longest = "a" * MAX_PACKAGE_LENGTH
    assert parse_reserved_name(f" {longest} ") == longest
    with pytest.raises(PatternUnreadable):
        parse_reserved_name(f"{longest}a")
