"""The Settings.toml that the registry writes and hands out."""

import re
import tomllib
from itertools import pairwise

import pytest

from shared.domain.client_settings import TOKEN_PLACEHOLDER, client_settings

URL = "https://registry.test"
TEXT = client_settings(URL, "ann", "blr_local_token")


def test_it_has_an_entry_for_each_way_to_use_the_registry() -> None:
    settings = tomllib.loads(TEXT)
    publish, proxy = settings["repository"]["maven"]
    entry = {"url": f"{URL}/2.0/maven", "username": "ann", "accesstoken": "blr_local_token"}
    assert settings["central"] == {"accesstoken": "blr_local_token"}
    assert publish == {"id": "ballroom", **entry, "proxyCentral": False}
    assert proxy == {"id": "ballroom-central", **entry, "proxyCentral": True}


def test_every_setting_has_a_comment_above_it() -> None:
    lines = TEXT.splitlines()
    pairs = [(above, line) for above, line in pairwise(lines) if line]
    bare = [line for above, line in pairs if line.lstrip()[0] != "#" and "#" not in above]
    assert bare == []


def test_a_script_finds_the_token_without_reading_toml() -> None:
    found = re.findall(r'^accesstoken = "(.*)"', TEXT, re.MULTILINE)
    assert found == ["blr_local_token"]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "ü", "a\nb"])
def test_whatever_the_name_is_it_stays_one_text(name: str) -> None:
    entries = tomllib.loads(client_settings(URL, name))["repository"]["maven"]
    assert [each["username"] for each in entries] == [name, name]


def test_without_a_token_there_is_a_place_for_one() -> None:
    assert tomllib.loads(client_settings(URL, "ann"))["central"]["accesstoken"] == TOKEN_PLACEHOLDER
    assert "blr_" not in client_settings(URL, "ann")


def test_the_lines_for_a_proxy_are_settings_without_their_signs() -> None:
    _, _, lines = TEXT.partition("# [proxy]\n")
    uncommented = "[proxy]\n" + lines.replace("# ", "")
    assert set(tomllib.loads(uncommented)["proxy"]) == {"host", "port", "username", "password"}
