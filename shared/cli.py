"""The commands of an operator: `python -m shared.cli --help` lists them.

They work on the data folder that the settings name, while the registry runs or not.
"""

from shared.commands.accounts import account, signin_link
from shared.commands.administration import names, read_only, rights, upkeep
from shared.commands.base import CommandGroup
from shared.commands.bundles import bundle
from shared.commands.data_folder import backup, index, keys, restore
from shared.commands.doctor import doctor
from shared.commands.organizations import org
from shared.commands.packages import package, publisher
from shared.commands.snapshots import snapshot
from shared.commands.tokens import login, token
from shared.commands.upstream import upstream

cli = CommandGroup(
    name="ballroom",
    help="Operate the registry whose data folder BALLROOM_DATA names (.ballroom by default).",
    commands=[
        account, backup, bundle, doctor, index, keys, login, names, org, package, publisher,
        read_only, restore, rights, signin_link, snapshot, token, upkeep,
        upstream,
    ],
)  # fmt: skip

if __name__ == "__main__":
    cli(prog_name="python -m shared.cli")
