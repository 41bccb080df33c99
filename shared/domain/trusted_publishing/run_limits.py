"""What a CI run may publish, and why it may not publish a package: clauses of refusals."""

from shared.domain.coordinates import Package
from shared.domain.principals import Principal
from shared.domain.scopes import PUBLISHING_SCOPES


def limits_of_run(principal: Principal, package: Package | None) -> str:
    """Return what a CI job may publish, and why not the package, or any other one if it is not
    known: clauses without a full stop, from its credential alone."""
    grants = [each for each in principal.grants if each.scopes & PUBLISHING_SCOPES]
    named = [f"{each.org}/{each.package}" for each in grants[:_MOST_NAMED]]
    if len(grants) > _MOST_NAMED:
        named.append(f"{len(grants) - _MOST_NAMED} more")
    clauses = [f"this run may publish {' and '.join(named) or 'nothing'}"]
    refused = [
        each
        for each in principal.refused
        if package is None or each.package.lower() == package.name.lower()
    ]
    clauses += [
        refusal_clause(f"{principal.organization}/{each.package}", each.why) for each in refused
    ]
    if package is not None and not refused:
        clauses.append(f"no trusted publisher of {package} takes it")
    return "; ".join(clauses)


_MOST_NAMED = 10  # Packages that a sentence names.


def refusal_clause(package: str, why: str) -> str:
    """Return why a package is not published by a run, whose reasons may be about the package or
    about the run."""
    if why.startswith("it "):
        return f"{package} {why.removeprefix('it ')}"
    return f"{package} does not take it: {why}"
