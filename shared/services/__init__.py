"""The services: what people and machines can do with a registry, by subject."""
