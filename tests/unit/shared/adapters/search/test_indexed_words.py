"""What of a readme counts."""

import pytest

from shared.adapters.search.indexed_words import readme_text
from shared.adapters.search.words import split_words


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
