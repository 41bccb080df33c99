"""The command `ballroom` of the wheel, the single file, the image and a clone.

The program of the wheel is in the folder `app`, not in site-packages: other projects may have
packages that are called `shared` and `functions`. In a clone it is at the top.
"""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).absolute().parent
APP = _HERE / "app" if (_HERE / "app").is_dir() else _HERE.parents[1]


def main() -> None:
    """Make the program importable, here and in the processes that it starts, and run a command."""
    if not sys.flags.safe_path:
        del sys.path[0]  # The folder of the script or the current one: nothing is imported from it.
    sys.path.insert(0, str(APP))
    os.environ["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if Path(each).is_dir())
    os.environ["PYTHONSAFEPATH"] = "1"
    os.umask(0o077)  # Files are for their owner only, even in a folder that others may enter.
    from shared.program import launcher

    os.environ.setdefault("BALLROOM_LAUNCHER", launcher(sys.argv[0]))
    from shared.command_line import run

    run()


if __name__ == "__main__":
    main()
