"""The JSON of a package, as Central describes it to its clients."""

from functions.http.addresses import provenance_path, sbom_path
from shared.domain.listings import Listing
from shared.domain.packages import ModuleText, Release, UpstreamOrigin, numeric_id
from shared.registry import Registry


def package_model(registry: Registry, listing: Listing) -> dict[str, object]:
    """Return the Package of the protocol, with every key and without nulls."""
    release = listing.release
    head = listing.head
    page = f"/{release.org}/{release.name}/{release.version}"
    return {
        "id": numeric_id(release.coordinate),
        "organization": release.org,
        "name": release.name,
        "version": release.version,
        "platform": release.platform,
        "languageSpecificationVersion": release.language_spec_version,
        "isDeprecated": listing.deprecation is not None,
        "deprecateMessage": listing.deprecation or "",
        "URL": page,
        "balaVersion": release.bala_version,
        "balaURL": registry.packages.archive_delivery.address(head, release),
        "digest": release.archive_digest.header(),
        "summary": release.summary,
        "readme": listing.texts.readme,
        "template": release.template,
        "licenses": release.licenses,
        "authors": release.authors,
        "sourceCodeLocation": release.source_repository,
        "keywords": release.keywords,
        "ballerinaVersion": release.ballerina_version,
        "icon": release.icon,
        "ownerUUID": "",
        "createdDate": release.created_ms,
        "pullCount": min(head.pulls, 2**31 - 1),
        "visibility": head.visibility.shown_to_clients,
        "modules": [_module_model(listing, module) for module in _modules(listing)],
        "balToolId": release.tools[0] if release.tools else "",
        "graalvmCompatible": release.graalvm.value,
        **upstream_model(release),
    }


def proofs_model(registry: Registry, release: Release) -> dict[str, object]:
    """Return what proves where a release is from, and what is in it. Lists leave it out: it would
    be a third of what they send, and whoever asks for it has one release in mind."""
    return {
        **_signatures_model(release),
        **_provenance_model(registry, release),
        **_sbom_model(registry, release),
    }


def _signatures_model(release: Release) -> dict[str, object]:
    """Return the signatures; nothing for a release that has none yet."""
    shown = [each.shown() for each in release.signatures]
    return {"signatures": shown} if shown else {}


def _provenance_model(registry: Registry, release: Release) -> dict[str, object]:
    """Return which run published a release; nothing for one that no trusted publisher did."""
    run = release.origin.provenance
    if run is None:
        return {}
    facts = {
        "provider": run.provider,
        "issuer": run.token_issuer or run.issuer,
        "repository": run.repository,
        "workflow": run.workflow,
        "ref": run.ref,
        "commit": run.commit,
        "runURL": run.run_url,
        "sigstore": release.sigstore,
        "URL": registry.settings.base_url + provenance_path(release.coordinate),
    }
    return {"provenance": {name: text for name, text in facts.items() if text}}


def _sbom_model(registry: Registry, release: Release) -> dict[str, object]:
    """Return where the bill of materials is; nothing for a release that is not stored."""
    if not release.is_stored:
        return {}
    return {"sbomURL": registry.settings.base_url + sbom_path(release.coordinate)}


def upstream_model(release: Release) -> dict[str, object]:
    """Return where a mirrored release came from; nothing for a release of this registry."""
    if release.upstream is None:
        return {}
    origin = release.upstream
    facts = {"name": origin.name, "firstSeenDate": origin.first_seen_ms}
    return {"upstream": {**facts, "isStored": release.is_stored, **_left_out(origin)}}


def _left_out(origin: UpstreamOrigin) -> dict[str, object]:
    """Return the tools that a mirrored release lost, and when the upstream removed it."""
    why = origin.removed_because
    facts = {
        "withoutTools": origin.without_tools,
        "removedDate": origin.removed_ms,
        "removedReason": why.value if why else "",
        "removedPermanently": origin.removed_for_good,
    }
    return {name: each for name, each in facts.items() if each}


def _modules(listing: Listing) -> list[ModuleText]:
    texts = {module.name: module for module in listing.texts.modules}
    return [texts.get(name) or ModuleText(name=name) for name in listing.release.modules]


def _module_model(listing: Listing, module: ModuleText) -> dict[str, object]:
    release = listing.release
    url = f"/{release.org}/{release.name}/{release.version}"
    return {
        "name": module.name,
        "summary": module.summary,
        "readme": module.readme,
        "apiDocURL": f"/2.0/docs/{release.org}/{module.name}/{release.version}",
        "packageUrl": url,
        "packageURL": url,
        "executable": False,
    }
