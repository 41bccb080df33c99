"""/manage/names: the names that nobody may take."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.runtime.answers import Answer

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/names")
async def manage_names(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    reserved = await call.registry.organizations.reserved_names.all(by=call.caller)
    managed = await call.registry.administration.registry_files.managed(None)
    return call.show("manage/names.html", problem, reserved=reserved, managed=managed)


@pages.form("manage/names/new", manage_names, done="Names reserved.")
async def manage_name_add(call: SignedInCall) -> None:
    pattern = call.form.text("pattern")
    reason = call.form.text("reason")
    await call.registry.organizations.reserved_names.add(pattern, reason, by=call.caller)


@pages.form("manage/names/remove", manage_names, done="Reserved name removed.")
async def manage_name_remove(call: SignedInCall) -> None:
    reserved_names = call.registry.organizations.reserved_names
    pattern = call.form.text("pattern")
    await reserved_names.remove(pattern, by=call.caller)
