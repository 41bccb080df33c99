"""Commands about approved packages, limits and retention."""

from tests.support.terminal import Terminal


def test_an_operator_approves_and_takes_back(terminal: Terminal) -> None:
    given = ("--package", "octo/lib:1.*", "--package", "ballerina/*:*", "--reason", "Reviewed.")
    assert "Approved." in terminal.run("approvals", "add", *given)
    listed = terminal.json("approvals", "list")["approved"]
    assert [each["package"] for each in listed] == ["octo/lib", "ballerina/*"]
    taken = ("--package", "octo/lib:1.*", "--reason", "Old.")
    assert "No longer approved." in terminal.run("approvals", "remove", *taken)
    assert len(terminal.json("approvals", "list")["approved"]) == 1


def test_an_operator_sees_requests_and_a_dry_run(terminal: Terminal) -> None:
    assert terminal.json("approvals", "requests")["requests"] == []
    assert terminal.json("approvals", "dry-run")["effects"] == []


def test_an_operator_limits_an_organization(terminal: Terminal) -> None:
    changed = terminal.json("org", "quota", "acme", "--max-releases", "5")
    assert (changed["maxReleases"], changed["maxBytes"]) == (5, 0)
    assert terminal.json("org", "rules", "acme")["maxReleases"] == 5
    assert terminal.json("org", "retention", "acme", "--retention", "last 5")["releases"] == []
