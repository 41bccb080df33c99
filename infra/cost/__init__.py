"""The cost of a registry in the cloud: a model of Azure's prices for the sizes of main.bicep."""
