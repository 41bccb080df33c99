"""One Function answers a path and a method, or none does."""

import pytest

from shared.hosting.triggers import StartRefused, parse_template


@pytest.mark.parametrize(
    "template",
    [
        "a//b",
        "a/{",
        "a/}",
        "{a}{b}",
        "x{*a}",
        "{*a}/b",
        "{*a?}",
        "{a=1}",
        "a?",
        "x{a?}",
        "{}",
        "{name}.svg",
        "{id:int}",
    ],
)
def test_a_template_that_cannot_be_served_is_refused(template: str) -> None:
    with pytest.raises(StartRefused, match="cannot be read"):
        parse_template(template)
