"""cost prints a month in the cloud, without a registry."""

from pathlib import Path

from tests.terminal import Terminal


def test_all_sizes_are_shown_beside_one_another(empty: Terminal) -> None:
    printed = empty.run("cost", "--packages", "2000", "--pulls", "1000000")
    assert printed.splitlines()[0].split() == ["dollars", "dev", "team", "public"]
    assert "a month, idle" in printed
    assert "archives at the edge" in printed
    assert not empty.data.exists()


def test_a_size_is_shown_by_its_lines(empty: Terminal) -> None:
    lines = empty.run("cost", "--size", "dev", "--pulls", "0", "--packages", "0").splitlines()
    assert lines[0].split() == ["service", "what", "quantity", "dollars"]
    assert lines[-1].startswith("a month")


def test_what_a_size_has_too_little_of_is_said_beside_it(empty: Terminal) -> None:
    result = empty.invoke("cost", "--size", "team", "--pulls", "100000000")
    assert result.exit_code == 0
    assert "raise maximumThroughput" in result.stderr
    assert "raise maximumThroughput" not in result.stdout


def test_everything_that_is_asked_for_changes_the_sum(empty: Terminal) -> None:
    usual = empty.json("cost", "--size", "team")
    for given in (
        ("--pushes", "100000"),
        ("--resolves", "0"),
        ("--searches", "9000000"),
        ("--archive-kib", "1000"),
        ("--cache-hits", "10"),
        ("--edge", "premium"),
    ):
        assert empty.json("cost", "--size", "team", *given)[-1] != usual[-1], given
    dev = empty.json("cost", "--size", "dev")
    assert empty.json("cost", "--size", "dev", "--with-token", "100")[-1] != dev[-1]


def test_json_has_both_tables(empty: Terminal) -> None:
    services, shares = empty.json("cost")
    assert services[0]["dollars"] == "Functions"
    assert shares[0]["archives at the edge"] == "0%"


def test_a_file_gives_other_prices(empty: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"logs.gigabyte": 2.76}')
    printed = empty.run("cost", "--show-prices", "--prices", str(file))
    [line] = [each for each in printed.splitlines() if each.startswith("logs.gigabyte ")]
    assert line.split()[:2] == ["logs.gigabyte", "2.76"]
    assert line.endswith("given")


def test_a_file_that_is_none_is_refused_in_one_line(empty: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"logs": 1}')
    assert empty.fail("cost", "--prices", str(file)).startswith("'logs' in the file of prices")
