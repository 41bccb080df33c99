"""/manage/mirror: upstream registries, their rules with a dry run, and refused releases."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from functions.http.body_parsing import Form
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import NotFound, about_field
from shared.domain.mirror_rules import MAX_RULES, MAX_UPSTREAMS, MirrorRules
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.runtime.answers import Answer
from shared.services.mirroring.mirror_rules import MirrorRuleDryRun

GONE_SHOWN = 100  # Releases on the page; the others appear after these are decided on.
EFFECTS_SHOWN = 100  # Effects of a dry run on a page: the releases with the most pulls.

pages = AdministratorPages()


@pages.read("manage/mirror")
async def manage_mirror(
    call: SignedInCall, problem: FormProblem | None = None, dry_run: MirrorRuleDryRun | None = None
) -> Answer:
    mirroring = call.registry.mirroring
    if mirroring is None:
        return call.show("manage/mirror.html", problem, is_on=False)
    rules = await mirroring.rules.current(by=call.caller)
    return call.show(
        "manage/mirror.html",
        problem,
        is_on=True,
        rules=rules,
        states=await mirroring.states(),
        incidents=len(await mirroring.reader.pins.incidents()),
        gone=await mirroring.gone.list(by=call.caller),
        gone_shown=GONE_SHOWN,
        typed=_typed(call.form, rules),
        dry_run=dry_run,
        effects_shown=EFFECTS_SHOWN,
        most_upstreams=MAX_UPSTREAMS,
        most_rules=MAX_RULES,
        longest_reason=MAX_DESCRIPTION,
        managed=await call.registry.administration.registry_files.managed(None),
    )


def _typed(form: Form, rules: MirrorRules) -> dict[str, str]:
    """Return the values of the form: those that were typed, or else those that are stored."""
    stored = {
        "upstreams": "\n".join(each.given for each in rules.upstreams),
        "rules": "\n".join(map(str, rules.rules)),
        "minimum_ages": "\n".join(map(str, rules.ages)),
        "release": "",
        "reason": "",
    }
    return {name: form.text(name, text) for name, text in stored.items()}


def _wanted(form: Form) -> MirrorRules:
    fields = ("upstreams", "rules", "minimum_ages")
    return MirrorRules.parse(*(form.text(each).splitlines() for each in fields))


@pages.form("manage/mirror/preview", manage_mirror)
async def manage_mirror_preview(call: SignedInCall) -> Answer:
    rules = call.registry.require_mirroring().rules
    dry_run = await rules.dry_run(_wanted(call.form), by=call.caller)
    return await manage_mirror(call, dry_run=dry_run)


@pages.form(
    "manage/mirror", manage_mirror, done="Rules saved. All processes follow within five seconds."
)
async def manage_mirror_save(call: SignedInCall) -> None:
    await call.registry.require_mirroring().rules.replace(_wanted(call.form), by=call.caller)


@pages.form(
    "manage/mirror/admit",
    manage_mirror,
    done="The release is served. All processes follow within five seconds.",
)
async def manage_mirror_admit(call: SignedInCall) -> None:
    """Serve a release before it has its minimum age."""
    rules = call.registry.require_mirroring().rules
    with about_field("release", NotFound):
        release = Coordinate.from_text(call.form.text("release").strip())
        await rules.admit(release, call.form.text("reason"), by=call.caller)


@pages.form(
    "manage/mirror/keep", manage_mirror, done="The release is served, and not listed any more."
)
async def manage_mirror_keep(call: SignedInCall) -> None:
    """Keep serving a release that its upstream removed."""
    gone = call.registry.require_mirroring().gone
    await gone.keep(Coordinate.from_text(call.form.text("release")), by=call.caller)


@pages.form("manage/mirror/withhold", manage_mirror, done="Release quarantined.")
async def manage_mirror_withhold(call: SignedInCall) -> None:
    """Quarantine a release that its upstream removed."""
    gone = call.registry.require_mirroring().gone
    await gone.withhold(Coordinate.from_text(call.form.text("release")), by=call.caller)


@pages.read("manage/mirror/refusals")
async def manage_mirror_refusals(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    pins = call.registry.require_mirroring().reader.pins
    releases = await pins.list_refused(by=call.caller)
    return call.show("manage/mirror_refusals.html", problem, releases=releases)


@pages.form(
    "manage/mirror/retry",
    manage_mirror_refusals,
    done="The next pull fetches the release again.",
    requires_recent_sign_in=False,
)
async def manage_mirror_retry(call: SignedInCall) -> None:
    """Let the next pull fetch a refused release again."""
    pins = call.registry.require_mirroring().reader.pins
    await pins.accept(Coordinate.from_text(call.form.text("release")), by=call.caller)


FACES = (pages,)
