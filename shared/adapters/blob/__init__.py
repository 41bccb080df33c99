"""Blob Storage stores the archives, documents and snapshots of a registry in the cloud."""
