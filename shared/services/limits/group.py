"""Creates the services of rate limits, notices and read-only mode."""

from dataclasses import dataclass
from typing import Self

from shared.domain.rate_limits import RateLimitClass
from shared.services.common import Common
from shared.services.limits.notices import NoticeCache, Notices, ReadOnlyMode
from shared.services.limits.rate_limits import BurstDetection, RateLimiter


@dataclass(frozen=True)
class LimitServices:
    """Rate limits, notices and read-only mode."""

    rate_limiter: RateLimiter
    notices: Notices
    notice_cache: NoticeCache
    read_only_mode: ReadOnlyMode

    @classmethod
    def build(cls, common: Common) -> Self:
        adapters, settings = common.adapters, common.settings
        notice_cache = NoticeCache(adapters.directory, adapters.clock)
        common.closing.push_async_callback(notice_cache.close)
        read_only_mode = ReadOnlyMode(notice_cache)
        burst_detection = BurstDetection(
            adapters.work,
            adapters.clock,
            brake_packages=settings.brake_packages,
            brake_releases=settings.brake_releases,
        )
        rate_limiter = RateLimiter(
            adapters.work,
            adapters.clock,
            {operation: settings.limits_of(operation) for operation in RateLimitClass},
            burst_detection,
            read_only_mode,
        )
        notices = Notices(
            common.administration,
            adapters.directory,
            common.record_writer,
            notice_cache,
            adapters.clock,
        )
        return cls(rate_limiter, notices, notice_cache, read_only_mode)
