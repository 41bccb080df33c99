"""Prices have their page and date, and give way to those of a file."""

import pytest

from infra.cost.price_table import PUBLISHED, BadPrices, Prices


def test_a_price_that_was_read_has_its_page_and_date_and_others_are_assumed() -> None:
    assert all(bool(known.dated) == bool(known.source) for known in PUBLISHED.values())
    assumed = [known for name, known in PUBLISHED.items() if name.startswith("assumed.")]
    assert assumed
    assert not any(known.source for known in assumed)


def test_a_file_changes_the_prices_that_it_names() -> None:
    changed = Prices.published().changed(b'{"logs.gigabyte": 2.76}')
    assert changed["logs.gigabyte"] == 2.76
    assert changed["egress.gigabyte"] == Prices.published()["egress.gigabyte"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"logs.gigabite": 1}',
        b'{"logs.gigabyte": "1"}',
        b'{"logs.gigabyte": true}',
        b'{"logs.gigabyte": -1}',
        b'{"logs.gigabyte": NaN}',
        b'{"logs.gigabyte": Infinity}',
    ],
)
def test_an_invalid_price_is_refused_by_its_name(text: bytes) -> None:
    with pytest.raises(BadPrices, match=r"^'logs\.giga\w+' in the file of prices is no price"):
        Prices.published().changed(text)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_an_invalid_file_of_prices_is_refused(text: bytes) -> None:
    with pytest.raises(BadPrices, match="no JSON object such as"):
        Prices.published().changed(text)
