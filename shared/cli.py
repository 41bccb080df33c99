"""The commands of an operator: `python -m shared.cli --help` lists them.

They work on the data folder that the settings name, while the registry runs or not.
"""

from shared.commands.accounts import account, signin_link
from shared.commands.cost import cost
from shared.commands.folder import backup, doctor, keys, restore
from shared.commands.index import index
from shared.commands.login import login
from shared.commands.names import names
from shared.commands.organizations import org
from shared.commands.packages import package
from shared.commands.publishers import publisher
from shared.commands.read_only import read_only
from shared.commands.rights import rights
from shared.commands.running import Commands
from shared.commands.snapshots import snapshot
from shared.commands.tokens import token
from shared.commands.upkeep import upkeep

cli = Commands(
    name="ballroom",
    help="Operate the registry whose data folder BALLROOM_DATA names (.ballroom by default).",
    commands=[
        account, backup, cost, doctor, index, keys, login, names, org, package, publisher,
        read_only, restore, rights, signin_link, snapshot, token, upkeep,
    ],
)  # fmt: skip

if __name__ == "__main__":
    cli(prog_name="python -m shared.cli")
