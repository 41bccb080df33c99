"""upkeep …: running tasks of upkeep by hand."""

import click

from shared.commands.running import with_registry
from shared.registry import Registry
from shared.services.reporting import Report


@click.group()
def upkeep() -> None:
    """Run the tasks that keep the registry clean and true."""


@upkeep.command()
@click.argument("name", required=False)
def run(name: str | None) -> None:
    """Run the task NAME, or all of them; each is safe to repeat.

    \b
    Examples:
      python -m shared.cli upkeep run
      python -m shared.cli upkeep run audit
    """

    async def work(registry: Registry) -> dict[str, Report | None]:
        known = registry.upkeep.tasks
        if name is not None and name not in known:
            message = f"There is no task {name!r}. There are: {', '.join(known)}."
            raise click.ClickException(message)
        chosen = [name] if name is not None else list(known)
        return {task: await registry.upkeep.run(task) for task in chosen}

    reports = with_registry(work)
    for task, report in reports.items():
        _print(task, report)
    if any(report and report.problems for report in reports.values()):
        raise SystemExit(1)


def _print(task: str, report: Report | None) -> None:
    if report is None:
        click.echo(f"{task}: another process is at it.")
        return
    click.echo(f"{task}: looked at {report.seen}, changed {report.changed}.")
    for problem in report.problems:
        click.echo(f"  {problem}")
