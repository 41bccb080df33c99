"""Every face of the registry, as one app."""

from collections.abc import Collection, Iterable, Iterator

import azure.functions as func
from azure.functions.decorators.function_app import Function
from azure.functions.decorators.http import HttpTrigger

from functions import (
    account,
    account_data,
    account_identities,
    account_invitations,
    account_organization,
    account_organization_held,
    account_organization_log,
    account_organization_package,
    account_organization_packages,
    account_organization_publishers,
    account_organization_settings,
    account_organization_tokens,
    account_organizations,
    account_packages,
    account_security,
    account_sessions,
    account_tokens,
    api_audit,
    api_docs,
    api_domains,
    api_held,
    api_invitations,
    api_leaks,
    api_members,
    api_org_tokens,
    api_orgs,
    api_packages,
    api_provenance,
    api_publishers,
    api_sessions,
    api_settings,
    api_trusted,
    archives,
    central_doubled,
    central_ide,
    central_manage,
    central_pull,
    central_push,
    central_resolve,
    central_search,
    central_tools,
    device,
    device_api,
    feeds,
    health,
    index,
    login,
    manage,
    manage_accounts,
    manage_limits,
    manage_names,
    manage_notices,
    manage_organizations,
    manage_read_only,
    manage_releases,
    manage_tasks,
    maven,
    security_txt,
    sign_in,
    static_files,
    timers,
    token,
    token_whoami,
    web_about,
    web_badges,
    web_feeds,
    web_files,
    web_home,
    web_llms,
    web_missing,
    web_orgs,
    web_package,
    web_search,
    web_site,
)
from shared.registry import Registry

FACES = (
    account,
    account_data,
    account_identities,
    account_invitations,
    account_organization,
    account_organization_held,
    account_organization_log,
    account_organization_package,
    account_organization_packages,
    account_organization_publishers,
    account_organization_settings,
    account_organization_tokens,
    account_organizations,
    account_packages,
    account_security,
    account_sessions,
    account_tokens,
    api_audit,
    api_docs,
    api_domains,
    api_held,
    api_invitations,
    api_leaks,
    api_members,
    api_org_tokens,
    api_orgs,
    api_packages,
    api_provenance,
    api_publishers,
    api_sessions,
    api_settings,
    api_trusted,
    archives,
    central_ide,
    central_manage,
    central_pull,
    central_push,
    central_resolve,
    central_search,
    central_tools,
    device,
    device_api,
    feeds,
    health,
    index,
    login,
    manage,
    manage_accounts,
    manage_limits,
    manage_names,
    manage_notices,
    manage_organizations,
    manage_read_only,
    manage_releases,
    manage_tasks,
    maven,
    security_txt,
    sign_in,
    static_files,
    timers,
    token,
    token_whoami,
    web_about,
    web_badges,
    web_feeds,
    web_files,
    web_home,
    web_llms,
    web_missing,
    web_orgs,
    web_package,
    web_search,
    web_site,
)


def build_app(registry: Registry, more: Iterable[func.Blueprint] = ()) -> func.FunctionApp:
    """Return the app with every Function over `registry`, and those of `more` beside them."""
    faces = [*(face.blueprint(registry) for face in FACES), *more]
    # An app whose functions were read gives them to no host any more: those of another are.
    functions = _app_of(faces).get_functions()
    doubled = central_doubled.second_slash(functions)
    taken = [*_routes(functions), (central_doubled.ROUTE, central_doubled.METHODS)]
    return _app_of([*faces, doubled, web_missing.everywhere_else(registry, taken)])


def _app_of(blueprints: Iterable[func.Blueprint]) -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return app


def _routes(functions: Iterable[Function]) -> Iterator[tuple[str, Collection[str]]]:
    """Yield the routes and their methods."""
    for function in functions:
        trigger = function.get_trigger()
        if isinstance(trigger, HttpTrigger):
            yield trigger.route or "", {each.value for each in trigger.methods or ()}
