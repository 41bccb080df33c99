"""The registry as it is in the cloud, as processes of this machine."""
