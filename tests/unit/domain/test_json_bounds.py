"""How much JSON is read of others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.json_bounds import DEEPEST, has_at_most, is_shallow

Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=40,
)


def values(value: object) -> int:
    """Count a value and all within it."""
    inside: list[object] = []
    if isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, list):
        inside = value
    return 1 + sum(values(each) for each in inside)


def nested(levels: int, *, objects: bool) -> object:
    """Return lists or objects within each other."""
    value: object = 1
    for _ in range(levels):
        value = {"a": value} if objects else [value]
    return value


@given(value=Json)
def test_no_text_holds_more_values_than_it_is_taken_for(value: object) -> None:
    count = values(value)
    text = json.dumps(value).encode()
    assert count == 1 or not has_at_most(count // 2, text)
    assert has_at_most(2 * count + text.count(b",") + text.count(b"{") + text.count(b"["), text)


def test_a_text_of_separators_is_more_than_enough() -> None:
    assert has_at_most(1_000, b'{"a": [1, 2, 3]}')
    assert not has_at_most(1_000, b"[" + b"[]," * 1_000 + b"[]]")


@pytest.mark.parametrize("objects", [True, False])
def test_values_may_lie_so_deep_and_no_deeper(objects: bool) -> None:
    assert is_shallow(nested(DEEPEST, objects=objects))
    assert not is_shallow(nested(DEEPEST + 1, objects=objects))


def test_what_is_no_list_or_object_is_shallow() -> None:
    assert all(is_shallow(value) for value in (None, 1, "text", [], {}))
