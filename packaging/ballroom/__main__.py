"""The command `ballroom` of the wheel, the single file and the image.

The program is in the folder `app`, not in site-packages: other projects may have packages that are
called `shared` and `functions`.
"""

import os
import shlex
import sys
from pathlib import Path

import click
from click.shell_completion import get_completion_class

APP = Path(__file__).parent / "app"
NAME = "ballroom"
HEALTH_SECONDS = 4.0  # Below the limit of the image's HEALTHCHECK.
COMPLETE = "_BALLROOM_COMPLETE"  # The variable with which a shell asks click for completions.
SETTINGS = {"port": "PORT", "workers": "WORKERS", "host": "BALLROOM_HOST", "data": "BALLROOM_DATA"}


class NotReady(click.ClickException):
    """The registry on this machine does not answer, or is not ready."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} {reason}. `{NAME} admin doctor` says what is wrong.")


class Commands(click.Group):
    """The commands, of which those of operators are imported when one of them is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "admin"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _admin() if cmd_name == "admin" else super().get_command(ctx, cmd_name)


def main() -> None:
    """Make the program importable, here and in the processes that it starts, and run a command."""
    if not sys.flags.safe_path:
        del sys.path[0]  # The folder of the script or the current one: nothing is imported from it.
    sys.path.insert(0, str(APP))
    os.environ["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if Path(each).is_dir())
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ.setdefault("BALLROOM_LAUNCHER", _launcher())
    os.umask(0o077)  # Files are for their owner only, even in a folder that others may enter.
    ballroom(prog_name=NAME)


def _launcher() -> str:
    """Return the words that start this program, for a shell."""
    program = Path(sys.argv[0]).absolute()
    return shlex.join([sys.executable, str(program)] if program.suffix == ".py" else [str(program)])


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from shared.domain.status import SOFTWARE_VERSION

        click.echo(f"{NAME} {SOFTWARE_VERSION}")
        ctx.exit()


@click.group(NAME, cls=Commands)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
def ballroom() -> None:
    """Serve a package registry for the Ballerina language, and operate it."""


@ballroom.command()
@click.option("--port", help="Port to listen on; 7071 by default (PORT).")
@click.option("--workers", help="Worker processes; 1 by default (WORKERS).")
@click.option("--host", help="Address to listen on; 127.0.0.1 by default (BALLROOM_HOST).")
@click.option("--data", help="Data folder; .ballroom by default (BALLROOM_DATA).")
def serve(**given: str | None) -> None:
    """Serve the registry until Ctrl-C or SIGTERM.

    The first start creates the data folder. An option goes before its variable.
    """
    os.environ.update({SETTINGS[name]: value for name, value in given.items() if value})
    from shared.localhost import main as serve_registry

    sys.exit(serve_registry([]))


@ballroom.command()
def health() -> None:
    """Check that the registry on this machine is ready; exit with 1 if it is not."""
    import httpx

    from shared.settings import Settings

    settings = Settings.load()
    scheme = "https" if settings.tls_cert else "http"
    url = f"{scheme}://127.0.0.1:{settings.port}/health/ready"
    try:
        # The certificate is for another name than that of the loopback.
        answer = httpx.get(url, timeout=HEALTH_SECONDS, verify=False, trust_env=False)  # noqa: S501
    except httpx.TransportError as failure:
        raise NotReady(url, f"does not answer: {failure}") from None
    if not answer.is_success:
        raise NotReady(url, f"answers {answer.status_code}")
    click.echo("The registry is ready.")


@ballroom.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion of a shell.

    \b
    Example:
      ballroom completion bash > ~/.local/share/bash-completion/completions/ballroom
    """
    shells = get_completion_class(shell)
    assert shells is not None  # noqa: S101 - click has one for each choice.
    click.echo(shells(ballroom, {}, NAME, COMPLETE).source())


def _admin() -> click.Group:
    from shared.cli import cli
    from shared.commands.base import name_program

    cli.help = "Operate the registry whose data folder BALLROOM_DATA names (.ballroom by default)."
    name_program(cli, f"{NAME} admin")
    return cli


if __name__ == "__main__":
    main()
