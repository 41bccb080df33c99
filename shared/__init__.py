"""Everything below the faces: use cases, services, rules, ports and their adapters."""

import os

# Pydantic would look for plugins in the metadata of every installed package, 7 ms of each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
