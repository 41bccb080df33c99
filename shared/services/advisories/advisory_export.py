"""Export of advisories as OSV, for mirrors and other registries."""

import asyncio
import zipfile
from collections.abc import Sequence
from io import BytesIO

from msgspec import Struct

from shared.domain.advisories.advisories import Advisory, AdvisoryState
from shared.domain.advisories.osv import osv_json
from shared.domain.principals import Principal
from shared.services.advisories.advisories import Advisories

# A fixed time, so that the archive has the same bytes each time.
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)


class AdvisoryExport(Struct, frozen=True):
    """Packs advisories that are part of no imported set: others get these where they are from."""

    advisories: Advisories

    async def public_zip(self) -> bytes:
        """Return what everybody may see."""
        return await asyncio.to_thread(zip_of, await self.advisories.public())

    async def all_zip(self, by: Principal) -> bytes:
        """Return everything but drafts to administrators and auditors, in the order of ids."""
        found = await self.advisories.stored(by)
        shown = [each for each in found if each.state is not AdvisoryState.DRAFT]
        return await asyncio.to_thread(zip_of, sorted(shown, key=lambda each: each.id))


def zip_of(advisories: Sequence[Advisory]) -> bytes:
    """Return a ZIP archive with a file `ID.json` for each advisory, as OSV's own dumps have."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in advisories:
            info = zipfile.ZipInfo(f"{each.id}.json", _FIRST_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, osv_json(each))
    return content.getvalue()
