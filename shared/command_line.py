"""The command `ballroom`: serves a registry, and operates it.

Its commands work on the data folder that the settings name, while the registry runs or not. Those
of operators are imported when one of them is used.
"""

import os
import sys

import click
from click.shell_completion import get_completion_class

from shared.program import COMMANDS, NAME, respelled, typed_spelling

HEALTH_SECONDS = 4.0  # Below the limit of the image's HEALTHCHECK.
COMPLETE = "_BALLROOM_COMPLETE"  # The variable with which a shell asks click for completions.
SETTINGS = {
    "port": "PORT",
    "workers": "WORKERS",
    "host": "BALLROOM_HOST",
    "data": "BALLROOM_DATA",
    "config": "BALLROOM_CONFIG",
}


class NotReady(click.ClickException):
    """The registry on this machine does not answer, or is not ready."""

    def __init__(self, url: str, reason: str) -> None:
        program = typed_spelling()
        super().__init__(f"{url} {reason}. `{program} doctor` says what is wrong.")


class Commands(click.Group):
    """The commands, which fail with one line and exit code 1."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, also in the form of earlier versions: `ballroom admin doctor`."""
        return super().parse_args(ctx, args[1:] if args[:1] == ["admin"] else args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it.
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        from shared.cli import cli

        return _respelled(cli.commands[cmd_name], typed_spelling())

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; print a refusal as one sentence."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as failure:
            from shared.commands.base import sentence_of

            sentence = sentence_of(failure)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from None


def run() -> None:
    """Run the command that the arguments of this process name."""
    ballroom(prog_name=typed_spelling(), complete_var=COMPLETE)


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from shared.domain.software_version import SOFTWARE_VERSION

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
    """Serve a package registry for the Ballerina language, and operate it.

    The commands of operators work on the registry whose data folder BALLROOM_DATA names (.ballroom
    by default).
    """


@ballroom.command()
@click.option("--port", help="Port to listen on; 7071 by default (PORT).")
@click.option("--workers", help="Worker processes; 1 by default (WORKERS).")
@click.option("--host", help="Address to listen on; 127.0.0.1 by default (BALLROOM_HOST).")
@click.option("--data", help="Data folder; .ballroom by default (BALLROOM_DATA).")
@click.option("--config", help="File with further settings, in TOML (BALLROOM_CONFIG).")
def serve(**given: str | None) -> None:
    """Serve the registry until Ctrl-C or SIGTERM.

    The first start creates the data folder. An option overrides its environment variable.
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
    url = f"{settings.local_address}/health/ready"
    try:
        # The certificate is for the public name of the registry.
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


def _respelled(command: click.Command, words: str) -> click.Command:
    """Write the words that start the program into the help of a command and those below it."""
    command.help = respelled(command.help or "", words)
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            option.help = respelled(option.help, words)
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _respelled(each, words)
    return command


if __name__ == "__main__":
    run()
