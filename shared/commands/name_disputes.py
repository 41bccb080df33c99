"""dispute …: claims to names that others have."""

import click

from functions.api.name_disputes import (
    api_name_disputes_decide,
    api_name_disputes_open,
    api_name_disputes_show,
    api_name_disputes_state,
)
from shared.commands.base import Rows, format_time, in_registry
from shared.commands.operations import add_operation
from shared.domain.principals import OPERATOR
from shared.registry import Registry


@click.group("dispute")
def disputes() -> None:
    """Open, show and decide disputes about names.

    DISPUTE is the id of one, or the name that is disputed: acme, or acme/greet.
    """


add_operation(
    disputes,
    "open",
    api_name_disputes_open,
    "NAME",
    text="""Open a dispute about NAME, an organization or ORG/NAME, for the account that claims it.

    \b
    Example:
      ballroom dispute open acme --claimant lee --statement "Acme is our trademark, no. 4711."
    """,
)
add_operation(disputes, "show", api_name_disputes_show, "DISPUTE", text="Show a dispute.")
add_operation(
    disputes,
    "state",
    api_name_disputes_state,
    "DISPUTE TEXT",
    text="Add a statement to a dispute, such as a letter.",
    done="The statement was added.",
)
add_operation(
    disputes,
    "decide",
    api_name_disputes_decide,
    "DISPUTE",
    text="""Decide a dispute after its notice of seven days, or on an appeal.

    \b
    Example:
      ballroom dispute decide acme --outcome granted --reason "The trademark is registered."
    """,
    done="The dispute was decided. Both parties were notified by email.",
)


@disputes.command("list")
@in_registry
async def list_disputes(registry: Registry) -> Rows:
    """List all disputes."""
    now_ms = registry.clock.now_ms()
    return [
        {
            "id": each.id,
            "name": each.name,
            "state": each.state_at(now_ms).value,
            "opened": format_time(each.opened_ms),
            "notice_ends": format_time(each.notice_ends_ms),
        }
        for each in await registry.administration.name_disputes.all(by=OPERATOR)
    ]
