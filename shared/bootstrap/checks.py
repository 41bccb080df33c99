"""The checks of `doctor` that need an adapter."""

import asyncio

from shared.adapters.embedded import SchemaVersions, check_data_folder
from shared.adapters.sqlite.database import MIGRATIONS
from shared.adapters.system import SystemClock
from shared.bootstrap.adapters import open_cloud_stores
from shared.bootstrap.network import network_of
from shared.confined.access import Restriction
from shared.confined.child import restrictions_here
from shared.domain.checks import CheckSeverity, DoctorCheck
from shared.runtime.azure_extra import AZURE_EXTRA, missing_stores, missing_telemetry
from shared.settings import Settings

_CERTIFICATE = "certificate"


def check_data(settings: Settings) -> list[DoctorCheck]:
    """Return the results of the checks of the stores."""
    if settings.is_in_the_cloud:
        return asyncio.run(_check_cloud(settings))
    from shared.adapters.search.rows import SEARCH_MIGRATIONS

    versions = SchemaVersions(len(MIGRATIONS), len(SEARCH_MIGRATIONS))
    return list(check_data_folder(settings.data, versions))


def check_telemetry(settings: Settings) -> list[DoctorCheck]:
    """Return whether metrics can be exported, where that is configured."""
    if not settings.insights_connection:
        return []
    if missing := missing_telemetry():
        return [DoctorCheck("telemetry", missing, AZURE_EXTRA, CheckSeverity.ERROR)]
    return [DoctorCheck("telemetry", "Metrics are exported to Application Insights.")]


def check_confinement() -> DoctorCheck:
    """Return the check of the restrictions of the confined process on this machine."""
    held = restrictions_here()
    missing = [each.value for each in Restriction if each not in held]
    found = f"It has {'; '.join(each.value for each in held) or 'limits of its time alone'}."
    way_out = f"Missing: {'; '.join(missing)}. Linux 5.13 and newer have them." if missing else ""
    return DoctorCheck("confined process", found, way_out, CheckSeverity.ADVICE)


def check_certificate(settings: Settings) -> list[DoctorCheck]:
    """Return when the certificates end with which this registry is served: that of the local host,
    and the one that its address shows, which may be that of a proxy in front of it."""
    from shared.adapters.certificates import (
        CertificateEnded,
        CertificateUnread,
        end_of_file,
        end_of_server,
        sentence_of,
    )

    now_ms = SystemClock().now_ms()
    found = list[DoctorCheck]()
    if settings.tls_cert is not None:
        try:
            sentence = sentence_of(str(settings.tls_cert), end_of_file(settings.tls_cert), now_ms)
        except CertificateUnread as failure:
            sentence = (f"{failure}.", "Correct BALLROOM_TLS_CERT.")
        found.append(DoctorCheck(_CERTIFICATE, *sentence))
    if settings.base_url.startswith("https://"):
        address = settings.base_url
        try:
            end_ms = end_of_server(address, network_of(settings))
        except CertificateEnded:
            ended = f"The certificate of {address} has ended."
            found.append(DoctorCheck(_CERTIFICATE, ended, "Renew it now: clients refuse it."))
        except CertificateUnread as failure:
            unseen = f"The certificate of {address} is not seen from here: {failure}."
            way_out = "See on a machine of a client when it ends."
            # The own address of a registry cannot always be reached from inside its network.
            found.append(DoctorCheck("own address", unseen, way_out, CheckSeverity.ADVICE))
        else:
            found.append(DoctorCheck(_CERTIFICATE, *sentence_of(address, end_ms, now_ms)))
    return found


async def _check_cloud(settings: Settings) -> list[DoctorCheck]:
    if missing := missing_stores():
        return [DoctorCheck("records", missing, AZURE_EXTRA, CheckSeverity.FATAL)]
    from shared.adapters.cloud import check_cloud_stores

    cloud = open_cloud_stores(settings, SystemClock())
    try:
        return [finding async for finding in check_cloud_stores(cloud)]
    finally:
        await cloud.close()
