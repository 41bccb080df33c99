"""rights: the table of who may do what."""

import click

from shared.domain.rights_table import rights_table


@click.command()
def rights() -> None:
    """Print who may do what, as docs/security.md has it."""
    click.echo(rights_table())
