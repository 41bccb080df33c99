"""cost prints a month in the cloud, without a registry."""

from pathlib import Path

import pytest

from infra.cost.__main__ import cost
from tests.support.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Return a terminal for the command, beside a folder that holds no registry."""
    return Terminal(tmp_path / "data", program=cost)


def test_a_size_that_is_too_small_is_reported_on_stderr(terminal: Terminal) -> None:
    result = terminal.invoke("--size", "team", "--pulls", "10000000000")
    assert result.exit_code == 0
    assert "raise maximumThroughput" in result.stderr
    assert "raise maximumThroughput" not in result.stdout


def test_everything_that_is_asked_for_changes_the_sum(terminal: Terminal) -> None:
    usual = terminal.json("--size", "team")
    for given in (
        ("--pushes", "100000"),
        ("--resolves", "0"),
        ("--searches", "9000000"),
        ("--archive-kib", "1000"),
        ("--cache-hits", "10"),
        ("--edge", "premium"),
        ("--isolated",),
        ("--isolated", "--nat-gateway"),
    ):
        assert terminal.json("--size", "team", *given)[-1] != usual[-1], given
    dev = terminal.json("--size", "dev")
    assert terminal.json("--size", "dev", "--with-token", "100")[-1] != dev[-1]


def test_a_gateway_without_a_network_is_refused(terminal: Terminal) -> None:
    assert "--nat-gateway needs --isolated" in terminal.fail("--nat-gateway")


def test_json_has_both_tables(terminal: Terminal) -> None:
    services, shares = terminal.json()
    assert services[0]["dollars"] == "Functions"
    assert shares[0]["archives at the edge"] == "0%"
    assert not terminal.data.exists()


def test_a_file_gives_other_prices(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"logs.gigabyte": 2.76}')
    printed = terminal.run("--show-prices", "--prices", str(file))
    [line] = [each for each in printed.splitlines() if each.startswith("logs.gigabyte ")]
    assert line.split()[:2] == ["logs.gigabyte", "2.76"]
    assert line.endswith("given")


def test_an_invalid_file_is_refused_in_one_line(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"logs": 1}')
    assert terminal.fail("--prices", str(file)).startswith("'logs' in the file of prices")
