"""The tables of connections to other machines in docs/reference/security.md and in
docs/run/firewall.md, as shared/declarations/outbound.py declares them.
"""

from shared.declarations.outbound import CONNECTIONS, OutboundConnection
from tests.support.markdown_tables import markdown_table


def outbound_table() -> str:
    """Return the table of all connections, in Markdown."""
    head = ("connection", "hosts", "port", "when", "what is sent", "what forbids it")
    return markdown_table(head, map(_row, CONNECTIONS))


def allowed_table() -> str:
    """Return what a firewall has to allow, in Markdown: hosts and ports of each connection."""
    opened = (each for each in CONNECTIONS if each.name != "commands for clients")
    rows = ((each.name, ", ".join(each.hosts), each.ports) for each in opened)
    return markdown_table(("connection", "hosts", "port"), rows)


def _row(each: OutboundConnection) -> tuple[str, ...]:
    name = f"{each.name} (also without any setting)" if each.is_default else each.name
    return name, ", ".join(each.hosts), each.ports, each.purpose, each.sent, each.setting
