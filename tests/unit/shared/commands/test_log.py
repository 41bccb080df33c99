"""A log that stopped, as its operator sees it and lets it go on."""

import shutil
from pathlib import Path

from tests.support.terminal import Terminal


def test_a_log_that_is_written_is_not_mended(published: Terminal) -> None:
    published.run("upkeep", "run", "write-log")
    refused = published.invoke("log", "mend")
    assert refused.exit_code
    assert "there is nothing to mend" in refused.output


def test_the_log_of_a_restored_registry_goes_on_when_its_operator_has_looked(
    published: Terminal, tmp_path: Path
) -> None:
    published.run("upkeep", "run", "freeze-leaves")
    published.run("upkeep", "run", "write-log")
    published.run("backup", str(tmp_path / "copy"))
    shutil.rmtree(published.data)
    published.run("restore", str(tmp_path / "copy"))
    examined = published.invoke("doctor")
    assert examined.exit_code == 1
    assert "the registry was restored from a backup" in examined.output
    assert "`ballroom log mend`" in examined.output
    assert "none is lost" in published.run("log", "mend")
    assert "Nothing was changed" in published.run("log", "mend")
    assert "Done: the next run of write-log goes on" in published.run("log", "mend", "--yes")
    assert published.invoke("doctor").exit_code == 0
