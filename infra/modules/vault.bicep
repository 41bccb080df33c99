// Key Vault: the keys of links and sessions, of releases, of the transparency log and of the witness, and secrets
// of identity providers. Nothing in here writes a secret; infra/keys.sh does, so that none is ever part of a deployment.

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Reachable through the private endpoints of network.bicep alone.')
param isolated bool

@description('Keep the vault and the roles in it from being deleted.')
param locked bool

@description('Workspace that gets the log of who read what.')
param workspaceId string

var access = isolated ? 'Disabled' : 'Enabled'

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' = {
  name: name
  location: location
  tags: tags
  properties: {
    // checkov:skip=CKV_AZURE_109: Whoever deploys writes the key from where they are; `isolated` denies by default.
    // checkov:skip=CKV_AZURE_189: The same; the door needs a token of Entra ID and a role in the vault.
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: access
    networkAcls: { defaultAction: isolated ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  scope: vault
  name: 'ballroom'
  properties: {
    level: 'CanNotDelete'
    notes: 'It has the keys of links and sessions, of releases and of the transparency log. docs/run/azure/operations.md says when to take the lock off.'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'ballroom'
  properties: {
    workspaceId: workspaceId
    // Into the table AZKVAuditLogs, which says who asked.
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ category: 'AuditEvent', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Resource id of the vault.')
output id string = vault.id

@description('Name of the vault.')
output name string = vault.name

@description('Address of the vault.')
output uri string = vault.properties.vaultUri
