"""evidence: a folder with files for an audit of this registry."""

from pathlib import Path

import click

from shared.bootstrap.files import read_evidence, write_evidence
from shared.commands.base import in_registry
from shared.commands.data_folder import folder_argument
from shared.domain.principals import OPERATOR
from shared.domain.sentences import counted
from shared.domain.times import time_text
from shared.registry import Registry


@click.command()
@folder_argument
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Check a folder that was made before, and change nothing.",
)
@in_registry
async def evidence(registry: Registry, folder: Path, is_check: bool) -> str:
    """Write evidence for an audit to DIR, which is new or empty.

    It has data fields with their retention, outbound connections, rights and who has them, the
    installed components with their licenses, the last drill, keys with their age, the settings that
    protect, and versions. It holds no secret, and names people. README.md in it says how its
    signature is verified without this program.

    \b
    Examples:
      ballroom evidence /srv/audit/2026
      ballroom evidence /srv/audit/2026 --check
    """
    service = registry.administration.evidence
    if is_check:
        found = await service.check(read_evidence(folder))
        return (
            f"{folder} is evidence of {found.registry}, made at {time_text(found.at_ms)}, and "
            "nothing was changed since."
        )
    made = await service.make(by=OPERATOR)
    write_evidence(folder, made.files)
    return (
        f"Wrote {counted(len(made.files), 'file')} to {folder}. rights.json names people, so keep "
        "the folder like personal data."
    )
