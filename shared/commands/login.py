"""login: puts an access token of a registry, here or elsewhere, into this machine's settings."""

import click

from shared.login.command import ID, Options, run, this_laptop


@click.command()
@click.argument("url")
@click.option("--id", "name", default=ID, show_default=True, help="Name of the registry's entry.")
@click.option("--central", is_flag=True, help="Set the token of [central] as well.")
@click.option("--proxy", is_flag=True, help="Read everything by this registry, nothing by Central.")
@click.option("--browser/--no-browser", default=True, help="Open the page to approve it on.")
def login(*, url: str, name: str, central: bool, proxy: bool, browser: bool) -> None:
    """Log this machine in to the registry at URL, for `bal`.

    \b
    Example:
      python -m shared.cli login https://packages.example.org
    """
    options = Options(
        address=url, id=name, sets_central=central, is_proxy=proxy, opens_browser=browser
    )
    raise SystemExit(run(options, this_laptop()))
