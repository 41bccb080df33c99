"""/manage/releases/many: quarantine or remove many releases; /manage/proposals: what tokens that
moderate propose; /manage/packages/{org}/{name}: a package, and whether it is held as a whole."""

from functions.html.numbered_pages import Pager
from functions.html.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    SignedInCall,
    require_confirmation,
)
from functions.http.body_parsing import Form
from functions.manage.accounts import erasure_receipt_page
from functions.manage.releases import PUBLIC_REASONS, VERSIONS_PER_PAGE
from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, Refusal, about_field
from shared.domain.names import OrgName, PackageName, parse_org
from shared.domain.principals import names_within_sentences
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import State
from shared.domain.times import parse_time
from shared.domain.token_redaction import redact_tokens
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES
from shared.runtime.answers import Answer
from shared.services.publishing.held_releases import MAX_DECIDED_AT_ONCE
from shared.services.publishing.proposals import ConfirmedProposal
from shared.services.publishing.release_selection import ReleaseSelection
from shared.use_cases import moderation
from shared.use_cases.inputs import inputs_of_form, shown_fields
from shared.use_cases.moderation import RequiredReason, TakeDown

PACKAGE_ROUTE = "manage/packages/{org}/{name}"

# What the form of a selection asks: its field, its label and its hint.
_FIELDS = (
    ("of", "Package or organization", "For example acme/greet, or acme for all of its packages"),
    ("account", "Published by the account", "A name, or id: and an id"),
    ("token", "Published with the token", "Its id"),
    ("publisher", "Published by the trusted publisher", "Its id"),
    ("since", "Published since", "UTC, for example 2026-11-20 or 2026-11-20T10:00"),
)
_STATES = {"quarantine": State.QUARANTINED, "remove": State.REMOVED}

pages = AdministratorPages()
FACES = (pages,)


def _typed(call: SignedInCall) -> dict[str, str]:
    """Return what the fields of the selection say, in the address or in the form."""
    is_form = bool(call.form.values)

    def read(name: str) -> str:
        return call.form.text(name) if is_form else call.params.get(name, "")

    return {name: redact_tokens(read(name)).strip()[:200] for name, _, _ in _FIELDS}


async def _selection(call: SignedInCall, typed: dict[str, str], until_ms: int) -> ReleaseSelection:
    selections = call.registry.publishing.selections
    subject = typed["of"]
    with about_field("of"):
        org, _, name = subject.partition("/")
        package = Package.parse(org, name) if name else None
        organization = parse_org(org) if org else OrgName("")
    with about_field("account"):
        account = await selections.account_id(typed["account"]) if typed["account"] else ""
    return ReleaseSelection(
        org=package.org if package else organization,
        name=package.name if package else PackageName(""),
        account=account,
        token=typed["token"],
        publisher=typed["publisher"],
        since_ms=parse_time("since", typed["since"]) if typed["since"] else None,
        until_ms=until_ms,
    )


@pages.read("manage/releases/many")
async def manage_releases_many(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    """List the releases that the fields select, with the form that decides on all of them."""
    typed = _typed(call)
    found = None
    # A refused decision shows again what it is about, and nothing that was published since.
    after = call.form.text("after") if problem else call.params.get("after", "")
    until_ms = _until(call.form) if problem else call.now_ms
    if any(typed.values()):
        try:
            selection = await _selection(call, typed, until_ms)
            selections = call.registry.publishing.selections
            found = await selections.page(selection, State.REMOVED, after, by=call.caller)
        except Refusal:
            if problem is None:
                raise
    return call.show(
        "manage/many_releases.html",
        problem,
        fields=_FIELDS,
        values=typed,
        found=found,
        after=after,
        until=until_ms,
        most=MAX_DECIDED_AT_ONCE,
        inputs=shown_fields(TakeDown),
        public_reasons=PUBLIC_REASONS,
    )


@pages.form(
    "manage/releases/many",
    manage_releases_many,
    done="Releases withheld. Owners with an email address were notified.",
    leads_to="manage/releases",
)
async def manage_releases_decide_many(call: SignedInCall) -> None:
    """Decide on what the page listed: nothing that was published since."""
    form = call.form
    state = _STATES.get(form.text("act"))
    if state is None:
        message = "Choose what to do: quarantine or remove the releases."
        raise InvalidRequest(message)
    selection = await _selection(call, _typed(call), _until(form))
    selections = call.registry.publishing.selections
    listed = await selections.page(selection, state, form.text("after"), by=call.caller)
    await selections.require_decider(selection, state, by=call.caller)
    if state is State.REMOVED:
        require_confirmation(call, f"remove {len(listed.releases)}")
    sent = inputs_of_form(TakeDown, form.values)
    with about_field("reason"):
        reason = parse_required_reason(sent.reason, "the decision about these releases")
    releases = [each.coordinate for each in listed.releases]
    await selections.decide_all(releases, state, reason, sent.public, by=call.caller)


def _until(form: Form) -> int:
    text = form.text("until")
    if not (text.isascii() and text.isdecimal() and len(text) <= 14):  # noqa: PLR2004 - year 5138.
        message = "The form does not say when the releases were listed. Open the page again."
        raise InvalidRequest(message)
    return int(text)


@pages.read("manage/proposals")
async def manage_proposals(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    service = call.registry.publishing.proposals
    proposals = await service.all(by=call.caller)
    names = names_within_sentences(await service.names(proposals))
    return call.show(
        "manage/proposals.html",
        problem,
        proposals=proposals,
        names=names,
        by=call.caller.id,
        needs_second=call.registry.administration.second_administrator.is_required,
        titles=WITHDRAWAL_TITLES,
        inputs=shown_fields(RequiredReason),
    )


def _proposal(call: SignedInCall) -> str:
    return call.form.text("id")


async def _show_erasure(call: SignedInCall, confirmed: ConfirmedProposal) -> Answer | None:
    erasure = confirmed.erasure
    if confirmed.receipt:
        return erasure_receipt_page(call, confirmed.receipt)
    return call.message("Release erased", *erasure.lines()) if erasure else None


pages.use_case(
    moderation.confirm,
    "manage/proposals/confirm",
    manage_proposals,
    _proposal,
    name="manage_proposals_confirm",
    then=_show_erasure,
)
pages.use_case(
    moderation.reject,
    "manage/proposals/reject",
    manage_proposals,
    _proposal,
    name="manage_proposals_reject",
)
pages.use_case(
    moderation.withdraw,
    "manage/proposals/withdraw",
    manage_proposals,
    _proposal,
    name="manage_proposals_withdraw",
)


@pages.read(PACKAGE_ROUTE)
async def manage_package(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    package = call.package
    survey = await call.registry.publishing.moderation.survey(package, by=call.caller)
    path = f"/manage/packages/{survey.head.package}"
    pager = Pager.of(len(survey.entries), VERSIONS_PER_PAGE, path, call.params)
    return call.show(
        "manage/package.html",
        problem,
        survey=survey,
        entries=pager.slice(survey.entries),
        pager=pager,
        look_up=str(survey.head.package),
        inputs=shown_fields(RequiredReason),
    )


pages.use_case(
    moderation.hold_package,
    f"{PACKAGE_ROUTE}/hold",
    manage_package,
    lambda call: call.package,
    name="manage_package_hold",
)
pages.use_case(
    moderation.end_package_hold,
    f"{PACKAGE_ROUTE}/release",
    manage_package,
    lambda call: call.package,
    name="manage_package_release",
)
