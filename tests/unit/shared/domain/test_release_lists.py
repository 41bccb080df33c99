"""Lists of releases that an operator wants."""

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.release_lists import read_list, read_lock

LOCK = b"""
package = [
    {org = "acme", name = "shop", version = "0.1.0", dependencies = [
        {org = "ballerina", name = "http"}, {org = "ballerina", name = "lang.array"},
        {org = "ballerina", name = "io"}, {org = "ballerinai", name = "observe"}]},
    {org = "ballerina", name = "http", version = "2.12.1"},
    {org = "ballerina", name = "io", version = "1.6.1", scope = "testOnly"},
    {org = "ballerina", name = "lang.array", version = "0.0.0"},
    {org = "ballerinai", name = "observe", version = "0.0.0"},
]
tool = [
    {id = "openapi", org = "ballerina", name = "tool.openapi", version = "2.0.1"}, {id = "local"},
]
"""


def texts(found: tuple[Coordinate, ...]) -> list[str]:
    return [str(each) for each in found]


def test_a_lock_file_names_all_but_the_project_and_the_distribution() -> None:
    assert texts(read_lock(LOCK)) == [
        "ballerina/http:2.12.1",
        "ballerina/io:1.6.1",
        "ballerina/tool.openapi:2.0.1",
    ]


def test_a_lock_file_without_a_project_names_everything() -> None:
    lock = LOCK.replace(b"dependencies = ", b"not = ")
    assert "acme/shop:0.1.0" in texts(read_lock(lock))
    assert read_lock(b'tool = "none"') == read_lock(b"tool = [1]") == ()


@pytest.mark.parametrize("content", [b"[[package]", b"[[package]]\norg = 1"])
def test_a_lock_file_that_cannot_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match=r"Dependencies\.toml"):
        read_lock(content)


def test_a_list_has_comments_and_empty_lines() -> None:
    text = "# what we build\nballerina/io:1.6.1  # first\n\nballerina/io:1.6.1\nacme/greet:1.0.0\n"
    assert texts(read_list(text)) == ["ballerina/io:1.6.1", "acme/greet:1.0.0"]


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(InvalidRequest, match="Line 2 of the list is no org/name:version: "):
        read_list("a/b:1.0.0\nhello\n")
