"""upkeep …: the tasks that keep the registry true, their last runs, and running them by hand."""

import click

from shared.commands.running import Output, as_json, moment, show, with_registry
from shared.domain.runs import Run, Standing
from shared.registry import Registry
from shared.services.reporting import Report


@click.group()
def upkeep() -> None:
    """Run the tasks that keep the registry clean and true."""


@upkeep.command("list")
@as_json
def list_(output: Output) -> None:
    """List the tasks: when each ran last, what came of it, and when it is due.

    \b
    Example:
      python -m shared.cli upkeep list
    """

    async def work(registry: Registry) -> list[dict[str, object]]:
        now_ms = registry.clock.now_ms()
        return [_row(each, now_ms) for each in await registry.upkeep.standings()]

    show(with_registry(work), output)


@upkeep.command()
@click.argument("name", required=False)
def run(name: str | None) -> None:
    """Run the task NAME, or all of them; each is safe to repeat.

    \b
    Examples:
      python -m shared.cli upkeep run
      python -m shared.cli upkeep run audit
    """

    async def work(registry: Registry) -> list[tuple[str, Report | None]]:
        known = registry.upkeep.tasks
        if name is not None and name not in known:
            message = f"There is no task {name!r}. There are: {', '.join(known)}."
            raise click.ClickException(message)
        chosen = [name] if name is not None else list(known)
        return [(task, report) for task in chosen for report in await _whole(registry, task)]

    reports = with_registry(work)
    for task, report in reports:
        _print(task, report)
    if any(report and report.problems for _, report in reports):
        raise SystemExit(1)


async def _whole(registry: Registry, task: str) -> list[Report | None]:
    """Run a task until it has seen everything: nobody waits here for the next night."""
    reports = [await registry.upkeep.run(task)]
    while (last := reports[-1]) is not None and last.unfinished:
        reports.append(await registry.upkeep.run(task))
    return reports


def _print(task: str, report: Report | None) -> None:
    if report is None:
        click.echo(f"{task}: another process is at it.")
        return
    click.echo(f"{task}: looked at {report.seen}, changed {report.changed}.")
    for problem in report.problems:
        click.echo(f"  {problem}")


def _row(standing: Standing, now_ms: int) -> dict[str, object]:
    last = standing.last
    return {
        "task": standing.task,
        "last": moment(last.started_ms) if last else None,
        "seconds": (last.ended_ms - last.started_ms) / 1000 if last else None,
        "came_of_it": _result(last) if last else None,
        "seen": last.seen if last else None,
        "changed": last.changed if last else None,
        "due": _due(standing, now_ms),
    }


def _result(last: Run) -> str:
    word = "unfinished" if last.unfinished and not last.problems else last.result.value
    return f"{word}: {last.problems[0]}" if last.problems else word


def _due(standing: Standing, now_ms: int) -> str:
    if standing.due_ms is None:
        return "by hand"
    late = "overdue since " if standing.is_overdue(now_ms) else ""
    return f"{late}{moment(standing.due_ms)}"
