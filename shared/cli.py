"""The commands of an operator: `ballroom --help` lists them, with those of `shared.command_line`.

These commands work on the data folder that the settings name, while the registry runs or not.
"""

from runpy import run_module

from shared.commands.accounts import accounts, signin_link
from shared.commands.advisories import advisories
from shared.commands.approvals import approvals
from shared.commands.audit import audit
from shared.commands.base import CommandGroup
from shared.commands.bundles import bundle
from shared.commands.data_folder import backup, index, keys, restore
from shared.commands.directory_locks import directory_locks
from shared.commands.doctor import doctor
from shared.commands.drill import drill
from shared.commands.evidence import evidence
from shared.commands.following import following
from shared.commands.groups import groups
from shared.commands.log import transparency_log
from shared.commands.name_disputes import disputes
from shared.commands.organizations import organizations
from shared.commands.outdated import outdated
from shared.commands.packages import packages
from shared.commands.publish import publish
from shared.commands.read_only import read_only
from shared.commands.registry_files import apply, export
from shared.commands.reports import reports
from shared.commands.reserved_names import names
from shared.commands.revocations import revocations
from shared.commands.rights import rights
from shared.commands.rules import rules
from shared.commands.scim import scim
from shared.commands.snapshots import snapshot
from shared.commands.tokens import login, tokens
from shared.commands.trusted_publishers import publishers
from shared.commands.upkeep import upkeep
from shared.commands.upstream import upstream
from shared.commands.webhooks import webhooks

cli = CommandGroup(
    name="ballroom",
    help="Operate the registry whose data folder BALLROOM_DATA names (.ballroom by default).",
    commands=[
        accounts,
        advisories,
        apply,
        approvals,
        audit,
        backup,
        bundle,
        directory_locks,
        disputes,
        doctor,
        drill,
        evidence,
        export,
        following,
        groups,
        index,
        keys,
        login,
        names,
        organizations,
        outdated,
        packages,
        publish,
        publishers,
        read_only,
        reports,
        restore,
        revocations,
        rights,
        rules,
        scim,
        signin_link,
        snapshot,
        tokens,
        transparency_log,
        upkeep,
        upstream,
        webhooks,
    ],
)

if __name__ == "__main__":  # As earlier versions were called: `python -m shared.cli doctor`.
    run_module("shared.command_line", run_name="__main__")
