"""advisory …: writing advisories, and saying of findings whether they affect a release."""

import click

from functions.api.advisories import (
    api_advisories_change,
    api_advisories_discard,
    api_advisories_draft,
    api_advisories_list,
    api_advisories_publish,
    api_advisories_show,
    api_advisories_withdraw,
    api_assessments_assess,
    api_assessments_list,
    api_assessments_retract,
)
from shared.commands.advisory_files import (
    export_advisories,
    import_advisories,
    list_sets,
    remove_set,
)
from shared.commands.operations import PACKAGE, add_operation


@click.group("advisory")
def advisories() -> None:
    """Write, publish and withdraw advisories, and assess findings.

    OWNER is @ and the name of an organization, or only @ for advisories of the registry.

    \b
    Example:
      ballroom advisory draft @ acme/greet --summary "Greetings run commands" \\
        --affected 1.0.0..1.2.4 --severity high
      ballroom advisory publish @ x_BLR-2026-1
    """


add_operation(
    advisories, "list", api_advisories_list, "OWNER", text="List the advisories of OWNER."
)
add_operation(
    advisories,
    "draft",
    api_advisories_draft,
    "OWNER PACKAGE",
    text="Write the draft of an advisory about PACKAGE, such as acme/greet.",
)
add_operation(
    advisories, "show", api_advisories_show, "OWNER ID", text="Show an advisory or its draft."
)
add_operation(
    advisories,
    "change",
    api_advisories_change,
    "OWNER ID",
    text="Replace what an advisory says.",
)
add_operation(
    advisories,
    "publish",
    api_advisories_publish,
    "OWNER ID",
    text="Publish the draft of an advisory.",
)
add_operation(
    advisories,
    "withdraw",
    api_advisories_withdraw,
    "OWNER ID",
    text="Withdraw an advisory, which then affects no version.",
)
add_operation(
    advisories, "discard", api_advisories_discard, "OWNER ID", text="Delete the draft of one."
)
add_operation(
    advisories,
    "assess",
    api_assessments_assess,
    f"{PACKAGE} VERSION ADVISORY",
    text="""Say whether an advisory about a Java library inside affects a release.

    \b
    Example:
      ballroom advisory assess acme/greet 1.0.0 GHSA-jfh8-c2jp-5v3q --state not_affected \\
        --justification code_not_reachable
    """,
)
add_operation(
    advisories,
    "assessments",
    api_assessments_list,
    f"{PACKAGE} VERSION",
    text="List what was said of advisories about a release.",
)
add_operation(
    advisories,
    "retract",
    api_assessments_retract,
    f"{PACKAGE} VERSION ADVISORY",
    text="Take back what was said of an advisory about a release.",
)

for _command in (import_advisories, export_advisories, list_sets, remove_set):
    advisories.add_command(_command)
