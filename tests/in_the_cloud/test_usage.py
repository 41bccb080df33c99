"""What the costs are computed from is what requests take, counted again on the stores."""

from dataclasses import astuple
from pathlib import Path

import pytest

from infra.cost.usage import (
    COUNTED_WINDOW,
    FOLLOWED_PUSH,
    ITEMS,
    MEASURED,
    ROLLED_PACKAGE,
    STORED_USAGE,
    UPKEEP_USAGE,
    Stored,
    Usage,
)
from tests.support.store_usage import counted

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]

# A header more or less is no other price; a request more or less is.
NEAR = pytest.approx

FEW = 5.0  # Requests more or less of a task are no other price.


def differing(found: Usage | Stored, known: Usage | Stored, little: float = 0.3) -> bool:
    """Say whether a count is another one than the one that is known."""
    return astuple(found) != NEAR(astuple(known), rel=0.05, abs=little)


@pytest.mark.timeout(300)
async def test_every_kind_of_request_takes_what_the_costs_are_computed_from(tmp_path: Path) -> None:
    found = await counted(tmp_path)
    differ = {
        **{
            use.value: usage for use, usage in found.uses.items() if differing(usage, MEASURED[use])
        },
        **{
            f"{name}, idle": usage
            for name, usage in found.idle.items()
            if differing(usage, UPKEEP_USAGE[name].idle, FEW)
        },
        **{
            f"{name}, each release": usage
            for name, usage in found.each_release.items()
            if differing(usage, UPKEEP_USAGE[name].each_release)
        },
    }
    assert differ == {}, "python -m bench.store_usage prints what infra/cost/usage.py has to hold"
    assert not differing(found.each_followed, FOLLOWED_PUSH)
    assert not differing(found.each_window, COUNTED_WINDOW, FEW)
    assert not differing(found.each_pulled, ROLLED_PACKAGE)
    assert not differing(found.stored, STORED_USAGE)
    assert {kind: found.items[kind] for kind in ITEMS} == NEAR(dict(ITEMS), rel=0.05)
