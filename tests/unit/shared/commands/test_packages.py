"""package …"""

from tests.support.terminal import Terminal
from tests.support.world import Template

GREET = "acme/greet:1.0.0"


def test_a_release_is_shown_with_its_state_and_its_publisher(
    published: Terminal, template: Template
) -> None:
    facts = published.json("package", "show", GREET)
    assert (facts["release"], facts["state"], facts["reason"]) == (GREET, "live", "")
    assert facts["by"] == template.people.ann.account.id
    lines = published.run("package", "show", GREET).splitlines()
    assert lines[:2] == [f"release      {GREET}", "state        live"]


def test_a_package_is_documented_again_and_all_that_is_missing(published: Terminal) -> None:
    assert published.run("package", "document") == f"{GREET}: done\n"
    assert published.run("package", "document") == "There is no release to document.\n"
    assert published.run("package", "document", "acme/greet") == f"{GREET}: done\n"
    assert "names no package" in published.invoke("package", "document", GREET).output
