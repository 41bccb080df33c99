"""advisory …"""

from tests.support.terminal import Terminal

TEXT = ("--summary", "Greetings run commands", "--affected", "..9.0.0")


def test_an_operator_writes_publishes_and_withdraws_an_advisory(published: Terminal) -> None:
    drafted = published.json(
        "advisory", "draft", "@", "acme/greet", *TEXT, "--severity", "high", "--alias", "CVE-2026-1"
    )
    assert (drafted["id"], drafted["state"]) == ("x_BLR-2026-1", "draft")
    assert drafted["affected"] == ["..9.0.0"]
    assert drafted["aliases"] == ["CVE-2026-1"]
    listed = published.json("advisory", "list", "@")
    assert [each["id"] for each in listed["advisories"]] == ["x_BLR-2026-1"]
    said = published.json("advisory", "publish", "@", "x_BLR-2026-1")
    assert said["state"] == "published"
    changed = published.json(
        "advisory", "change", "@", "x_BLR-2026-1", *TEXT[:2], "--affected", "..2.0.0"
    )
    assert changed["affected"] == ["..2.0.0"]
    assert "Enter a reason" in published.fail("advisory", "withdraw", "@", "x_BLR-2026-1")
    withdrawn = published.json(
        "advisory", "withdraw", "@", "x_BLR-2026-1", "--reason", "A mistake."
    )
    assert withdrawn["state"] == "withdrawn"


def test_a_draft_of_an_organization_is_deleted(published: Terminal) -> None:
    published.run("advisory", "draft", "@acme", "greet", *TEXT)
    said = published.run("advisory", "discard", "@acme", "x_BLR-2026-1")
    assert said == "Deleted the draft x_BLR-2026-1.\n"
    assert "There is no advisory" in published.fail("advisory", "show", "@acme", "x_BLR-2026-1")


def test_only_findings_about_libraries_are_assessed(published: Terminal) -> None:
    refused = published.fail(
        "advisory",
        "assess",
        "acme/greet",
        "1.0.0",
        "GHSA-1",
        "--state",
        "not_affected",
        "--justification",
        "code_not_reachable",
    )
    assert "No Java library inside acme/greet:1.0.0 is affected by 'GHSA-1'." in refused
    assert published.json("advisory", "assessments", "acme/greet", "1.0.0")["assessments"] == []
