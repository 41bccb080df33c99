"""docs/use/tokens.md tells scanners what tokens of this registry look like."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from shared.auth.access_tokens import AccessToken
from tests.fakes.system import FakeRandomness
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "use" / "tokens.md").read_text("utf-8")
RANDOMNESS = FakeRandomness("scanners")
REAL = [
    AccessToken.mint(environment, owner, RANDOMNESS).text.reveal()
    for environment in ("local", "a", "0", "production12")
    for owner in ("0123456789", "ZZZZZZZZZZ", "abcdefghij")
    for _ in range(5)
]


def block(name: str) -> str:
    """Return a block of the page, without its fence."""
    [text] = re.findall(rf"<!-- {name} -->\n```\w*\n(.*?)\n```\n<!-- end -->", PAGE, re.DOTALL)
    return text


@pytest.fixture
def rule(tmp_path: Path) -> ModuleType:
    """Return the page's rule for the checksum as a module, as whoever copies it has it."""
    file = tmp_path / "rule.py"
    file.write_text(block("checksum"), "utf-8")
    spec = spec_from_file_location("rule", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", REAL)
def test_the_expression_on_the_page_finds_real_tokens(text: str) -> None:
    file = f'[central]\naccesstoken = "{text}"\n'
    assert re.findall(rf"\b{block('pattern')}\b", file) == [text]


@pytest.mark.parametrize("text", REAL)
def test_the_rule_on_the_page_is_that_of_the_code(text: str, rule: ModuleType) -> None:
    assert rule.is_token(text)
    for position in range(len(text)):
        other = "a" if text[position] != "a" else "b"
        assert not rule.is_token(text[:position] + other + text[position + 1 :])
