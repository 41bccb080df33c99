"""Paths of resource methods are divided at slashes, and parameters into a type and a name."""

import time

import pytest

from shared.domain.api_docs.type_parts import PathSegment, path_segments, types_in_path


def test_a_path_has_words_and_parameters() -> None:
    assert path_segments(".") == []
    found = path_segments("users / [int id]")
    assert found == [PathSegment("users"), PathSegment("[int id]", "int", "id")]
    for word in ("'from", r"user\-id", r"a\/b", r"a\[b"):
        assert path_segments(f"{word}/b") == [PathSegment(word), PathSegment("b")]


@pytest.mark.parametrize(
    ("text", "type_", "name", "is_rest"),
    [
        ("[int[] ids]", "int[]", "ids", False),
        ("[int[][2]ids]", "int[][2]", "ids", False),
        ("[string... rest]", "string", "rest", True),
        ("[int[] ...rest]", "int[]", "rest", True),
        ("[string...]", "string", "", True),
        ("[string 'from]", "string", "'from", False),
        (r"[string user\-id]", "string", r"user\-id", False),
        (r"[string 'a\[b\]\/c]", "string", r"'a\[b\]\/c", False),
        (r"[string a\u{2D}b]", "string", r"a\u{2D}b", False),
        ('["a/]"|"b" kind]', '"a/]"|"b"', "kind", False),
        ("[map<int[]> many]", "map<int[]>", "many", False),
        ("[types:Id id]", "types:Id", "id", False),
        ("[types:Id]", "types:Id", "", False),
        ("[int|string]", "int|string", "", False),
        ("[int]", "int", "", False),
        ("[]", "", "", False),
    ],
)
def test_a_parameter_has_a_type_and_perhaps_a_name(
    text: str, type_: str, name: str, is_rest: bool
) -> None:
    found = PathSegment(text, type_, name, is_rest)
    assert path_segments(f"a/{text}/b") == [PathSegment("a"), found, PathSegment("b")]


@pytest.mark.parametrize("text", ['["a', "[[[a/b", r"a\\", '["a]/b', "a]/[b"])
def test_a_broken_path_is_divided_without_an_error(text: str) -> None:
    assert "".join(each.text for each in path_segments(text)).count("/") <= 1


@pytest.mark.parametrize("piece", ["a", "a ", r"a\-", '"', "[", "/", "'", "\\"])
def test_a_long_path_is_divided_in_time(piece: str) -> None:
    began = time.thread_time()
    path_segments(f"[{piece * 100_000} !]")
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("users/[Id id]/[types:Name name]", ["Id"]),
        ('["Id"|Kind kind]', ["Kind"]),
        ("[int|Kind|anydata... rest]", ["Kind"]),
        ("Users/[string]", []),
    ],
)
def test_a_path_names_types_of_its_module(path: str, types: list[str]) -> None:
    assert list(types_in_path(path)) == types


@pytest.mark.parametrize("piece", ["a", "a ", r"a\-", '"', '"\\', "[", ":", "'", "\\"])
def test_types_of_a_long_path_are_found_in_time(piece: str) -> None:
    began = time.thread_time()
    list(types_in_path(f"[a {piece * 30_000}]"))
    assert time.thread_time() - began < 1
