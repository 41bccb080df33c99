"""The keys of registries in tests: the same in every run, so that pages and signatures are, too."""

RELEASE_KEYS = (
    "2026-09-01T00:00:00Z private "
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgobOEeVH9JoAnTKPfOMP+G+UMo38V51LRv1qow+2wxF+h"
    "RANCAAR7ozfH/ZGa4Sg1VoyFOKb807qmC7d1jN6QbsW+zGfOjQQV/s5Gkh9sSLs/3e3R301yAQqy+KkT/A5AS7fS8VG4"
)
LOG_KEYS = "2026-09-01T00:00:00Z dGhlIHNlZWQgb2YgdGhlIGxvZyBpbiBhbGwgdGVzdHM="
