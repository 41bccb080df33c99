"""/manage/scim: the tokens with which directories provision people, and the accounts that exist and
that they may take over."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.runtime.answers import Answer
from shared.services.scim.users import EVERY_WAITING
from shared.use_cases import scim
from shared.use_cases.inputs import shown_fields
from shared.use_cases.scim import NewScimToken, ScimTokenText
from shared.use_cases.use_case import of_registry

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/scim")
async def manage_scim(
    call: SignedInCall, problem: FormProblem | None = None, issued: ScimTokenText | None = None
) -> Answer:
    services = call.registry.scim
    tokens = await services.tokens.listed(by=call.caller)
    labels = call.registry.identity.sign_in_flow.provider_labels
    return call.show(
        "manage/scim.html",
        problem,
        settings=call.registry.settings,
        tokens=tokens,
        makers=await services.tokens.makers_of(tokens),
        waiting=await services.takeovers.listed(by=call.caller),
        directories=[(each, labels.get(each, each)) for each in services.tokens.issuers],
        labels=labels,
        fields=shown_fields(NewScimToken),
        every_waiting=EVERY_WAITING,
        issued=issued,
    )


async def _show_token(call: SignedInCall, issued: ScimTokenText) -> Answer:
    return await manage_scim(call, issued=issued)


def _token_id(call: SignedInCall) -> str:
    return call.form.text("token")


pages.use_case(
    scim.issue,
    "manage/scim/tokens",
    manage_scim,
    of_registry,
    name="manage_scim_issue",
    then=_show_token,
)
pages.use_case(scim.revoke, "manage/scim/revoke", manage_scim, _token_id, name="manage_scim_revoke")
pages.use_case(
    scim.take_over, "manage/scim/takeovers", manage_scim, of_registry, name="manage_scim_take_over"
)
