"""A sign-in returns to each page of the registry."""

import re

import pytest

from functions.faces import operations
from functions.host_functions import CATCH_ALL
from functions.html.pages import Pages
from functions.http.return_paths import (
    HOME_PATH,
    MAX_RETURN_PATH_LENGTH,
    requested_return_path,
    return_path,
)
from shared.settings import Settings

PATHS = sorted(
    "/" + re.sub(r"\{\W*\w+\W*\}", "x", each.route).strip("/")
    for each in operations(Settings())
    if isinstance(each.face, Pages) and "GET" in each.methods and each.name != CATCH_ALL
)
PAGES = [each for each in PATHS if not each.startswith("/sign-in")]


@pytest.mark.parametrize("path", PAGES)
def test_a_sign_in_returns_to_each_page(path: str) -> None:
    assert return_path(path) == path
    assert return_path(f"{path}?q=x&page=2") == f"{path}?q=x&page=2"


@pytest.mark.parametrize("path", sorted({*PATHS} - {*PAGES}))
def test_a_sign_in_returns_to_no_page_of_the_sign_in(path: str) -> None:
    assert return_path(path) == HOME_PATH


def test_a_path_to_return_to_has_512_characters_at_most() -> None:
    longest = "/packages/".ljust(MAX_RETURN_PATH_LENGTH, "a")
    assert return_path(longest) == longest
    assert return_path(f"{longest}a") == HOME_PATH


def test_a_query_that_makes_the_path_too_long_is_left_out() -> None:
    longest = "/search?q=".ljust(MAX_RETURN_PATH_LENGTH, "a")
    assert return_path(longest) == longest
    assert return_path(f"{longest}a") == "/search"


@pytest.mark.parametrize("query", ["q=a..b", "q=%2e%2e", "q=%2E&page=2", "q=a/../b", "q=//x"])
def test_dots_in_a_query_lead_nowhere_else_and_are_kept(query: str) -> None:
    assert return_path(f"/search?{query}") == f"/search?{query}"


@pytest.mark.parametrize("dots", ["..", "%2e%2e", "%2E."])
def test_dots_in_a_path_lead_to_the_account(dots: str) -> None:
    assert return_path(f"/packages/{dots}/x?q=x") == HOME_PATH


@pytest.mark.parametrize("character", ['"', "<", ">", "\\", "#", "\r\n", "\t", "\N{SNOWMAN}"])
def test_a_query_with_unusual_characters_is_left_out(character: str) -> None:
    assert return_path(f"/search?q=a{character}b&page=2") == "/search"
    assert return_path(f"/search{character}?q=a") == HOME_PATH


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?done=saved", ""),
        ("?done", ""),
        ("?%64one=saved", ""),
        ("?done=saved&page=2", "?page=2"),
        ("?page=2&done=saved&done=x", "?page=2"),
        ("?undone=1", "?undone=1"),
        ("?q=done", "?q=done"),
    ],
)
def test_the_message_after_a_form_does_not_survive_a_sign_in(query: str, kept: str) -> None:
    assert requested_return_path(f"/account/tokens{query}") == f"/account/tokens{kept}"
