"""The Settings.toml that the registry writes and hands out."""

import re
import tomllib

import pytest

from shared.domain.client_settings import Reading, client_settings

URL = "https://registry.test"
TEXT = client_settings(URL, "ann", "blr_local_token")
MIRROR = client_settings(URL, "ann", "blr_local_token", Reading.EVERYTHING)
ENTRY = {"url": f"{URL}/2.0/maven", "username": "ann", "accesstoken": "blr_local_token"}


def switched_on(text: str) -> str:
    """Return the file with every entry that is a comment, as a reader makes it by hand."""
    return re.sub(r"^# ((?:\[|\w+ = ).*)$", r"\1", text, flags=re.MULTILINE)


def test_a_copied_file_publishes_here_and_reads_all_else_from_central() -> None:
    publish = {"id": "ballroom", **ENTRY, "proxyCentral": False}
    # Central refuses public reads, too, if they have a token that it does not know.
    assert tomllib.loads(TEXT) == {"repository": {"maven": [publish]}}
    # A script finds the token without reading TOML.
    for text in (TEXT, MIRROR):
        assert re.findall(r'^accesstoken = "(.*)"', text, re.MULTILINE) == ["blr_local_token"]


def test_the_other_ways_are_entries_without_their_comment_signs() -> None:
    settings = tomllib.loads(switched_on(TEXT))
    _, proxy = settings["repository"]["maven"]
    assert proxy == {"id": "ballroom-central", **ENTRY, "proxyCentral": True}
    assert settings["central"] == {"accesstoken": "blr_local_token"}
    assert set(settings["proxy"]) == {"host", "port", "username", "password"}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "ü", "a\nb"])
def test_whatever_the_name_is_it_stays_one_text(name: str) -> None:
    settings = tomllib.loads(switched_on(client_settings(URL, name)))
    assert [each["username"] for each in settings["repository"]["maven"]] == [name, name]


def test_a_mirror_is_the_proxy_of_central() -> None:
    publish = {"id": "ballroom", **ENTRY, "proxyCentral": False}
    read = {"id": "ballroom-central", **ENTRY, "proxyCentral": True}
    for text in (MIRROR, switched_on(MIRROR)):
        assert tomllib.loads(text)["repository"] == {"maven": [publish, read]}
