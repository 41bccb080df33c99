"""What any registry needs of the process that it runs in: answers that may be cached, caches,
retries, locks, schedules."""
