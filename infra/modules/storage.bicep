// A storage account without keys. No immutability policy: moderation moves and removes archives.

@description('Name of the account.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('How many copies there are, and where.')
param sku string

@description('Containers to make; none is public.')
param containers array

@description('Containers whose blobs live for a day.')
param dayContainers array = []

@description('Containers of backups: moved to cheaper storage after a week, deleted at the end of backupDays.')
param backupContainers array = []

@description('Days that a backup is kept.')
@minValue(7)
param backupDays int = 90

@description('Days that deleted and overwritten blobs can be brought back.')
@minValue(1)
@maxValue(365)
param undeleteDays int = 14

@description('Keep deleted and overwritten blobs for a while, and log writes; not for the host, which renews a lease every 12 seconds.')
param history bool = true

@description('Reachable through the private endpoints of network.bicep alone.')
param isolated bool

@description('Keep the account, its containers and the roles in it from being deleted.')
param locked bool = false

@description('Workspace that gets the log of writes and deletions.')
param workspaceId string

var dayRules = [for container in dayContainers: {
  name: 'end-${container}'
  enabled: true
  type: 'Lifecycle'
  definition: {
    filters: { blobTypes: ['blockBlob'], prefixMatch: ['${container}/'] }
    actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 1 } } }
  }
}]

var backupRules = [for container in backupContainers: {
  name: 'age-${container}'
  enabled: true
  type: 'Lifecycle'
  definition: {
    filters: { blobTypes: ['blockBlob'], prefixMatch: ['${container}/'] }
    actions: {
      baseBlob: {
        tierToCool: { daysAfterModificationGreaterThan: 7 }
        delete: { daysAfterModificationGreaterThan: backupDays }
      }
    }
  }
}]

// What was overwritten or deleted stays readable for a while, then goes for good.
var versionRules = [
  {
    name: 'end-versions'
    enabled: true
    type: 'Lifecycle'
    definition: {
      filters: { blobTypes: ['blockBlob'] }
      actions: { version: { delete: { daysAfterCreationGreaterThan: undeleteDays } } }
    }
  }
]

resource account 'Microsoft.Storage/storageAccounts@2026-09-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    // checkov:skip=CKV_AZURE_35: Readers follow short links to blobs from anywhere; `isolated` denies by default.
    // checkov:skip=CKV_AZURE_206: A parameter chooses the copies: one zone for dev and team, three for public.
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isolated ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isolated ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  scope: account
  name: 'ballroom'
  properties: {
    level: 'CanNotDelete'
    notes: 'It has archives, snapshots and backups. docs/run/azure/operations.md says when to take the lock off.'
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-09-01' = {
  parent: account
  name: 'default'
  properties: {
    // Of requests that name none, such as the probes of Front Door: older ones know no tokens.
    defaultServiceVersion: '2021-12-02'
    isVersioningEnabled: history
    // Deleting for good takes a right that the app's identity does not have: an owner of the data erases what the law says.
    deleteRetentionPolicy: history ? { enabled: true, days: undeleteDays, allowPermanentDelete: true } : { enabled: false }
    containerDeleteRetentionPolicy: { enabled: true, days: undeleteDays }
  }
}

resource made 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-09-01' = [for container in containers: {
  parent: blobs
  name: container
  properties: { publicAccess: 'None' }
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-09-01' = if (history) {
  parent: account
  name: 'default'
  properties: { policy: { rules: concat(dayRules, backupRules, versionRules) } }
  dependsOn: [blobs]
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'ballroom'
  properties: {
    workspaceId: workspaceId
    // Not StorageRead: every pull is one, and telemetry has it already.
    logs: [
      { category: 'StorageWrite', enabled: history }
      { category: 'StorageDelete', enabled: history }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

@description('Resource id of the account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Address of its blobs.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
