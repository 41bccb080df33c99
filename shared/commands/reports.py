"""report …: what people say is wrong with releases, and the decisions about it."""

import click

from functions.api.reports import (
    api_moderation_report_decide,
    api_moderation_reported_release,
    api_moderation_reports,
    api_reports_make,
)
from shared.commands.operations import PACKAGE, add_operation


@click.group("report")
def reports() -> None:
    """Report releases, and decide on what others report."""


add_operation(
    reports,
    "make",
    api_reports_make,
    f"{PACKAGE} VERSION",
    text="""Report a release for somebody who wrote to you.

    The report does not count towards an automatic quarantine.

    \b
    Example:
      ballroom report make acme/greet 1.0.0 --why malware --text "init.bal reads keys."
    """,
)
add_operation(
    reports, "list", api_moderation_reports, "", text="List the releases whose reports wait."
)
add_operation(
    reports,
    "show",
    api_moderation_reported_release,
    f"{PACKAGE} VERSION",
    text="Show the reports about a release, and what each is worth.",
)
add_operation(
    reports,
    "decide",
    api_moderation_report_decide,
    f"{PACKAGE} VERSION",
    text="""Decide on reports about a release, all that wait or each --report ID.

    \b
    Example:
      ballroom report decide acme/greet 1.0.0 --outcome confirmed --reason "It reads keys."
    """,
)
