"""Words that mean the same."""

import re
from pathlib import Path

import pytest

from shared.adapters.search.vocabulary import read_groups


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("time date | ballerina/time", "is not `meant words <- name, name | source`"),
        ("time <- date", "is not `meant words <- name, name | source`"),
        ("time <- date, | ballerina/time", "has an empty name"),
    ],
)
def test_a_line_that_is_no_group_is_refused_with_its_place(
    line: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.txt").write_text(f"# Words.\n\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"broken.txt:3 {reason}: {line}")):
        read_groups("broken", tmp_path)
