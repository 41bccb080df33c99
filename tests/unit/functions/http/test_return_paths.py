"""A sign-in returns to each page of the registry."""

import re

import pytest

from functions.faces import operations
from functions.host_functions import CATCH_ALL
from functions.html.pages import Pages
from functions.http.return_paths import HOME_PATH, MAX_RETURN_PATH_LENGTH, return_path
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
    longest = "/search?q=".ljust(MAX_RETURN_PATH_LENGTH, "a")
    assert return_path(longest) == longest
    assert return_path(f"{longest}a") == HOME_PATH
