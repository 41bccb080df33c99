"""The tables of the page about costs are written again by the commands above them."""

from pathlib import Path

from infra.cost.__main__ import cost
from infra.cost.page import with_new_tables
from tests.support.terminal import Terminal

PAGE = """# Cost

A month of the size `dev`:

```
$ python -m infra.cost --packages 2000 --pulls 1000000 --size dev
{printed}```

Other prices:

```sh
python -m infra.cost --prices prices.json
```
"""


def test_a_table_is_replaced_by_what_its_command_prints(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data", program=cost)
    printed = terminal.run("--packages", "2000", "--pulls", "1000000", "--size", "dev")
    outdated = PAGE.format(printed="dollars  dev\na month  1.00\n")
    assert with_new_tables(outdated) == PAGE.format(printed=printed)
