"""What docs/use/clients.md says of settings and statuses is what the registry does."""

import re
import tomllib

from shared.domain.client_settings import TOKEN_PLACEHOLDER, client_settings
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "use" / "clients.md").read_text()


def test_the_entries_on_the_page_are_those_that_the_registry_gives_out() -> None:
    blocks = "\n".join(re.findall(r"```toml\n(\[\[repository.maven\]\].*?)```", PAGE, re.DOTALL))
    handed_out = client_settings("http://127.0.0.1:7071", "me")
    # Those that are switched off are comments there.
    switched_on = re.sub(r"^# ((?:\[|\w+ = ).*)$", r"\1", handed_out, flags=re.MULTILINE)
    assert tomllib.loads(blocks)["repository"] == tomllib.loads(switched_on)["repository"]


def test_the_place_for_a_token_is_called_as_it_is_in_the_file() -> None:
    assert f'sed "s/{TOKEN_PLACEHOLDER}/' in PAGE
