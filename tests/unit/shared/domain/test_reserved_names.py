"""Names that look alike or that people take for one another, and those that nobody does."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors.identity import PatternUnreadable
from shared.domain.lookalike_names import skeletons
from shared.domain.names import MAX_PACKAGE_LENGTH, parse_org
from shared.domain.reserved_names import is_reserved_name, parse_reserved_name
from tests.paths import central_index

LIKE_THE_OPERATORS = (
    "ballerina Ballerinax ba11erina bal_lerina baIIerina bballerina_http ballerlnax balerina "
    "ballllerina"
)
BY_PATTERN = [
    ("wso2", True),
    ("WSO2", True),
    ("wso2_internal", True),
    ("vvso2tools", True),
    ("mywso2", False),
    ("adrnin", True),
    ("admins", False),
    ("a1", True),
    ("a12", False),
]


@pytest.mark.parametrize(
    ("name", "patterns", "kept"),
    [
        *((name, (), True) for name in LIKE_THE_OPERATORS.split()),
        *((name, (), False) for name in ("balx", "ballet", "my_ballerina", "ball3rina")),
        *((name, ("wso2*", "admin", "A?"), kept) for name, kept in BY_PATTERN),
    ],
)
def test_names_like_the_operators_and_those_of_its_patterns_are_reserved(
    name: str, patterns: tuple[str, ...], kept: bool
) -> None:
    assert is_reserved_name(name, patterns) is kept


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
    ("shammi", "shammi1"),
    ("team1", "team11"),
    ("test", "test2"),
    ("acme", "acne"),
    ("kafka", "kafkaesque"),
    ("org10", "org20"),
    ("new", "newt"),
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


ALIKE = [*((one, each) for one, others in KNOWN for each in others.split())]
ALIKE.extend((name, "wso2") for name in DISPLAYED)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [*((*pair, True) for pair in ALIKE), *((*pair, False) for pair in APART)],
    ids=ascii,
)
def test_look_alikes_are_found_both_ways(one: str, other: str, alike: bool) -> None:
    assert are_lookalikes(one, other) is alike
    assert are_lookalikes(other, one) is alike


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
