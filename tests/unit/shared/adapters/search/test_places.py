"""Where the words of a package stand, and which of its readme count."""

from typing import Any

import pytest

from shared.adapters.search.places import readme_text, weights_of_beginnings, weights_of_words
from shared.adapters.search.ranking import PlaceWeight, beginning_factor
from shared.adapters.search.words import WordMark, split_words
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from tests.contract.sample_records import head, release


def weights(name: str = "acme/greet", **fields: Any) -> dict[str, int]:
    return weights_of_words(Listing(head(name), release(f"{name}:1.0.0", **fields), Texts()))


@pytest.mark.parametrize(
    ("name", "fields", "word", "place"),
    [
        ("acme/http", {}, "http", PlaceWeight.NAME),
        ("acme/azure.functions", {}, "azurefunctions", PlaceWeight.NAME),
        ("acme/aws.s3", {}, "s3", PlaceWeight.SEGMENT),
        ("acme/a.echo_service", {}, "echoservice", PlaceWeight.SEGMENT),
        ("acme/a.echo_service", {}, "service", PlaceWeight.NAME_PART),
        ("acme/EchoService", {}, "echo", PlaceWeight.NAME_PART),
        ("acme/greet", {"tools": ("hello",)}, "hello", PlaceWeight.NAME),
        ("acme/greet", {}, "acme", PlaceWeight.ORGANIZATION),
        ("acme/greet", {"keywords": ("Vector Databases",)}, "vectordatabases", PlaceWeight.KEYWORD),
        ("acme/greet", {"keywords": ("IT/Databases",)}, "databases", PlaceWeight.KEYWORD_PART),
        ("acme/greet", {"modules": ("greet.admin",)}, "admin", PlaceWeight.MODULE),
        ("acme/greet", {"summary": "Says hello"}, "hello", PlaceWeight.SUMMARY),
        ("acme/log", {"keywords": ("log",), "summary": "Log"}, "log", PlaceWeight.NAME),
    ],
)
def test_a_word_weighs_what_its_best_place_does(
    name: str, fields: dict[str, Any], word: str, place: PlaceWeight
) -> None:
    assert weights(name, **fields)[word] == place


def test_a_stem_weighs_a_little_less_than_its_word_and_never_less_than_itself() -> None:
    assert PlaceWeight.KEYWORD_PART < weights(keywords=("logging",))["log"] < PlaceWeight.KEYWORD
    assert weights("acme/log", keywords=("logging",))["log"] == PlaceWeight.NAME


def test_short_beginnings_weigh_what_the_best_word_does_by_the_share_that_is_typed() -> None:
    name, other = WordMark.NAME_BEGINNING.value, WordMark.BEGINNING.value
    weights = {"mongo": PlaceWeight.SEGMENT, "mongodb": PlaceWeight.NAME, "mo": PlaceWeight.NAME}
    assert weights_of_beginnings(weights | {"money": PlaceWeight.KEYWORD}) == {
        f"{name}mo": round(PlaceWeight.NAME * beginning_factor(2, 7)),
        f"{name}mon": round(PlaceWeight.NAME * beginning_factor(3, 7)),
        f"{other}mon": round(PlaceWeight.KEYWORD * beginning_factor(3, 5)),
    }
    assert weights_of_beginnings({"summary": PlaceWeight.SUMMARY}) == {}


@pytest.mark.parametrize(
    "noise",
    [
        "```ballerina\nimport ballerina/noise;\n```",
        "~~~\nnoise\n~~~",
        "```\nnoise that does not end",
        "https://noise.example/noise?noise",
        "www.noise.example",
        "[a link](https://noise.example/noise)",
        "[a]: https://noise.example",
        "[![noise](https://noise.example/badge.svg)](https://noise.example)",
        "![noise](noise.png)",
        '<img alt="noise" src="noise.png">',
        "<!-- noise -->",
        "## License\n\nNoise.",
        "## Contribute to Ballerina\n\nNoise.",
        "### Building from the source\n\n1. Noise\n",
        "## Useful links\n\n* noise",
        "Copyright (c) 2024 Noise Inc.",
        "Licensed under the Noise License.",
    ],
)
def test_a_readme_is_not_found_by_what_is_in_every_readme(noise: str) -> None:
    readme = f"# Greet\n\nSays hello.\n\n{noise}"
    assert split_words(readme_text(readme))[:3] == ["greet", "says", "hello"]
    assert "noise" not in split_words(readme_text(readme))


def test_what_follows_a_section_of_boilerplate_counts() -> None:
    readme = "## License\n\nApache.\n\n## Overview\n\nSays [hello](https://x.example) to all.\n"
    assert split_words(readme_text(readme)) == ["overview", "says", "hello", "to", "all"]
