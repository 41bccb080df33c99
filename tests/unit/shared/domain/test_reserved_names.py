"""Names that look alike or that people take for one another, and those that nobody does."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors.identity import PatternUnreadable
from shared.domain.names import MAX_PACKAGE_LENGTH, parse_org
from shared.domain.reserved_names import is_reserved_name, parse_reserved_name, skeletons
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


KNOWN = [
    ("google", "goog1e g00gle gooogle gogle"),
    ("paypal", "paypa1 paypaI pay_pal"),
    ("acme", "acrne ACME"),
    ("microsoft", "rnicrosoft micro5oft"),
    ("wso2", "vvso2 ws02 w5o2"),
    ("lodash", "1odash iodash"),
    ("bill", "bil1 biil"),
]
APART = [
    *(("shammi", "shammi1"), ("team1", "team11"), ("test", "test2"), ("acme", "acne")),
    *(("kafka", "kafkaesque"), ("org10", "org20"), ("new", "newt")),
]
DISPLAYED = [
    "w\u0455o2",  # Cyrillic dze.
    "WSO-2!",
    "\uff37\uff33\uff2f\uff12",  # Full width.
    "ws\u03bf2",  # Greek omicron.
    "w\u0301so2",  # An accent.
    "ws\u200bo2",  # Zero-width space.
    "\U0001d430so2",  # Mathematical bold.
    "w\u0455\u043e\u00b2",  # A superscript, and two Cyrillic letters.
]


def are_lookalikes(one: str, other: str) -> bool:
    """Say whether founding the one keeps the other from being founded."""
    return not skeletons(one).isdisjoint(skeletons(other))


@pytest.mark.parametrize(("one", "others"), KNOWN)
def test_known_look_alikes_are_found_both_ways(one: str, others: str) -> None:
    for other in others.split():
        assert are_lookalikes(one, other)
        assert are_lookalikes(other, one)


@pytest.mark.parametrize(("one", "other"), APART)
def test_names_that_differ_enough_are_accepted(one: str, other: str) -> None:
    assert not are_lookalikes(one, other)


@pytest.mark.parametrize("name", DISPLAYED, ids=ascii)
def test_a_display_name_in_other_letters_is_found(name: str) -> None:
    assert are_lookalikes(name, "wso2")


def test_a_text_without_letters_resembles_nothing() -> None:
    assert skeletons(" -!") == frozenset()
    assert not are_lookalikes("--", "!!")


def test_other_scripts_are_compared_as_they_are() -> None:
    assert are_lookalikes("\u65e5\u672c", "\u65e5 \u672c")
    assert not are_lookalikes("\u65e5\u672c", "\u65e5\u5149")


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,12}(_[A-Za-z0-9]{1,5}){0,2}", fullmatch=True)


@given(NAMES)
def test_a_name_has_two_skeletons_that_can_be_stored(name: str) -> None:
    found = skeletons(parse_org(name))
    assert len(found) == 2
    assert all(each.isascii() and not set("/\\?#") & set(each) for each in found)
    assert skeletons(name.upper()) == skeletons(name.lower()) == found


def test_names_of_real_organizations_are_distinguished() -> None:
    pairs = combinations(sorted({line["org"] for line in central_index()}), 2)
    refused = [(one, other) for one, other in pairs if are_lookalikes(one, other)]
    # These two are look-alikes, in most fonts to the pixel: whoever came second would be asked to
    # choose another name. All others can be founded side by side.
    assert refused == [("shammi1", "shammil")]
