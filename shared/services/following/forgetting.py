"""What is deleted of followers when an account or an organization is gone."""

from shared.domain.entities import Place
from shared.domain.following import Follow, FollowerNews, LeaveLink, Pace, news_place
from shared.ports.directory import DirectoryStore
from shared.services.record_batches import FOLLOWERS_READ_AT_ONCE
from shared.services.stored_records import remove_stored


async def forget_follower(directory: DirectoryStore, account_id: str) -> None:
    """Delete what an account follows, what waits to be told, and the links of its mail; a repeat
    continues."""
    found = [
        *await directory.list_by_subject(Follow, account_id),
        *await directory.list_by_subject(LeaveLink, account_id),
    ]
    waiting = [await directory.get(FollowerNews, news_place(each, account_id)) for each in Pace]
    for each in (*found, *(news for news in waiting if news is not None)):
        await remove_stored(directory, each)


async def remove_followers(directory: DirectoryStore, organization: str) -> None:
    """Delete who follows an organization that is gone, or one of its packages: another one of its
    name has followers of its own. A repeat continues."""
    for each in await directory.list_by_owner(Follow, organization):
        await directory.remove(each)
    of_packages = f"{organization}:"
    while batch := await directory.list_all(Follow, Place(of_packages), FOLLOWERS_READ_AT_ONCE):
        own = [each for each in batch if each.place.owner.startswith(of_packages)]
        for each in own:
            await directory.remove(each)
        if len(own) < FOLLOWERS_READ_AT_ONCE:
            return
