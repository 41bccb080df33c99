"""Cosmos DB stores the metadata of a registry in the cloud."""
