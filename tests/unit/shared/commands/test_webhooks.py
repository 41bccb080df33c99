"""webhook …"""

from tests.support.terminal import Terminal


def test_all_webhooks_get_a_new_secret(terminal: Terminal) -> None:
    hook = ("https://hooks.example.org/x", "--event", "release")
    before = [terminal.run("webhook", "add", owner, *hook).strip() for owner in ("@acme", "@")]
    result = terminal.invoke("webhook", "rotate", "--all")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["@", "@acme"]
    assert {line[2] for line in lines} == {hook[0]}
    assert not {line[3] for line in lines} & {*before}
    assert "Rotated the secrets of 2 webhooks." in result.stderr
    for arguments in ((), ("@acme",), ("@acme", lines[0][1], "--all")):
        wrong = terminal.invoke("webhook", "rotate", *arguments)
        assert (wrong.exit_code, "Name the OWNER and the ID" in wrong.stderr) == (2, True)
