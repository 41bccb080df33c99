"""Addresses that people guess or cut short lead somewhere, or to a page that says so."""

import pytest

from tests.protocol.web.reading import opened
from tests.world import World


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/packages", "/search"),
        ("/packages/", "/search"),
        ("/packages/acme", "/orgs/acme"),
        ("/packages/nobody", "/orgs/nobody"),  # Whether it is there is said there.
        ("/orgs", "/search"),
    ],
)
async def test_an_address_that_was_cut_short_leads_on(world: World, path: str, leads: str) -> None:
    answer = await opened(world, path)
    assert (answer.status_code, answer.headers["location"]) == (308, leads)


@pytest.mark.parametrize(
    "path",
    [
        "/xyz",
        "/about/api/more",
        "/account/xyz",
        "/account/tokens/1",
        "/account/tokens/1/2/3",
        "/badges/acme",
        "/dashboard/xyz",
        "/device/xyz",
        "/feeds",
        "/files/acme/greet",
        "/manage/xyz/xyz/xyz",
        "/orgs/acme/people/more/and/more",
        "/sign-in/callback",
        "/static/site/more.css",
        "/packages/acme/greet/1.0.0/files/x",
        "/search/kafka",
        "/search/%3Cscript%3E/x",
    ],
)
async def test_an_address_of_nothing_is_a_page_with_the_requests_id(
    world: World, path: str
) -> None:
    answer = await opened(world, path)
    assert answer.status_code == 404
    assert answer.headers["x-request-id"] in answer.text
    assert "There is nothing here" in answer.text
    assert "<script>" not in answer.text


async def test_a_program_reads_a_problem_below_the_api(world: World) -> None:
    answer = await opened(world, "/api/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "page-not-found")


async def test_what_the_protocol_has_not_is_no_page(world: World) -> None:
    for path in ("/2.0/nothing", "/2.0/registry/nothing", "/admin/nothing", "/runtime/nothing"):
        answer = await opened(world, path)
        assert (answer.status_code, answer.content) == (404, b""), path


async def test_what_names_nothing_leads_nowhere_else(world: World) -> None:
    for path in ("/packages/%2e%2e%2fx", "/packages/%5Cevil.example", "/packages//evil.example"):
        answer = await opened(world, path)
        assert answer.status_code in (400, 404), path
        assert "location" not in answer.headers
