"""Each size has its file of parameters, which says what the template chooses by itself."""

import json
from typing import Any

import pytest

from infra.cost.model import Size
from tests.repo.deployment_sizes import by_size, default
from tests.support.bicep_templates import INFRA, MAIN, template


@pytest.fixture(params=Size, ids=[size.value for size in Size])
def size(request: pytest.FixtureRequest) -> Size:
    return request.param


def given(size: Size) -> dict[str, Any]:
    """Return the parameters of a size's file."""
    file = json.loads((INFRA / f"{size.value}.parameters.json").read_text())
    return {name: each["value"] for name, each in file["parameters"].items()}


def test_the_file_of_a_size_says_all_that_follows_from_it(size: Size) -> None:
    said = {name: value for name, value in given(size).items() if name in by_size()}
    assert {name: str(value).lower() for name, value in said.items()} == {
        name: default(name, size).lower() for name in by_size()
    }


def test_the_file_of_a_size_gives_what_the_template_asks_for(size: Size) -> None:
    asked = template(MAIN).parameters
    needed = {name for name, how in asked.items() if how.get("default") is None}
    assert needed <= set(given(size)) <= set(asked)
    assert given(size)["size"] == size.value
