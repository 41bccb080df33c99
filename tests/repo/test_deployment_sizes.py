"""Each size has its file of parameters, which says what the template chooses by itself."""

import json
import re
from typing import Any

import pytest

from infra.cost.model import Size
from tests.paths import ROOT
from tests.repo.bicep_templates import INFRA, MAIN, module, template
from tests.repo.deployment_sizes import by_size, default

PAGE = (ROOT / "docs" / "run" / "azure" / "operations.md").read_text("utf-8")


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


def test_all_sizes_but_the_smallest_have_an_edge() -> None:
    assert [given(size)["edge"] for size in Size] == [False, True, True]
    row = re.findall(r"^\| Front Door \| (.+) \|$", PAGE, re.MULTILINE)
    assert "no | yes | yes" in row


def test_the_page_states_the_capacity_and_the_zones_of_each_size() -> None:
    [capacity] = re.findall(r"^\| Cosmos DB \| (serverless.+) \|$", PAGE, re.MULTILINE)
    cells = capacity.split(" | ")
    for cell, size in zip(cells, Size, strict=True):
        assert cell.startswith(given(size)["capacity"])
    [zones] = re.findall(r"^\| zones \| (.+) \|$", PAGE, re.MULTILINE)
    several = [cell != "one" for cell in zones.split(" | ")]
    assert several == [given(size)["zoneRedundant"] for size in Size]


def test_an_address_of_ones_own_is_answered_for_by_the_edge() -> None:
    edge = module("edge")
    assert "customDomains: empty(domain) ? [] : [{ id: ownDomain.id }]" in edge.text
    # The firewall guards it as it guards the endpoint.
    assert edge.text.count("[{ id: ownDomain.id }]") == 3
    assert "certificateType: 'ManagedCertificate'" in edge.text
