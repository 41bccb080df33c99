// Every role that anybody has here. Each id is one of the roles that Azure brings, under its name; no role that
// Azure brings may purge a cache and nothing else, so that one is defined here.

@description('Object id of the identity of the app.')
param principalId string

@description('Object id of whoever deploys; empty for nobody.')
param operatorId string

@description('What that object is.')
param operatorType string

@description('Storage account of the Functions host.')
param hostStorageName string

@description('Storage account of the registry.')
param registryStorageName string

@description('Cosmos DB account.')
param cosmosName string

@description('Key vault.')
param vaultName string

@description('Application Insights component.')
param insightsName string

@description('Profile of Front Door; empty for none.')
param frontDoorName string

@description('Object id of the identity of Front Door; empty for none.')
param frontDoorPrincipalId string

@description('Containers that Front Door reads; none where it reaches no blobs.')
param frontDoorContainers array

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageBlobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
// A role of Cosmos DB itself, which Azure's role assignments do not know.
var cosmosDataContributor = '00000000-0000-0000-0000-000000000002'

// Deleted and overwritten blobs stay readable as versions for a while; not for readers from outside.
var currentBlobsOnly = '((!(ActionMatches{\'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read\'} AND NOT SubOperationMatches{\'Blob.List\'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:isCurrentVersion] BoolEquals true))'

// The host keeps its packages, leases and timer schedules here, and asks for all three.
var hostRoles = [storageBlobDataOwner, storageQueueDataContributor, storageTableDataContributor]

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-09-01' existing = {
  name: hostStorageName
}

resource registryStorage 'Microsoft.Storage/storageAccounts@2026-09-01' existing = {
  name: registryStorageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-09-01' existing = {
  parent: registryStorage
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-09-01' existing = [for container in frontDoorContainers: {
  parent: blobs
  name: container
}]

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  name: cosmosName
}

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource frontDoor 'Microsoft.Cdn/profiles@2026-10-01' existing = {
  name: empty(frontDoorName) ? 'none' : frontDoorName
}

resource hostsHost 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in hostRoles: {
  scope: hostStorage
  name: guid(hostStorage.id, principalId, role)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

// Reads and writes blobs, and asks for the key that short links are signed with.
resource keepsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registryStorage
  name: guid(registryStorage.id, principalId, storageBlobDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, principalId, keyVaultSecretsUser)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

resource sendsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, principalId, monitoringMetricsPublisher)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

// Azure knows each role by its name in the whole tenant, so the name has that of the resource group's id in it.
resource purgesCopies 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(frontDoorName)) {
  name: guid(resourceGroup().id, 'purge')
  properties: {
    roleName: 'Ballroom purge ${uniqueString(resourceGroup().id)}'
    description: 'Withdraws copies of archives from the caches of Front Door.'
    type: 'CustomRole'
    permissions: [{ actions: ['Microsoft.Cdn/profiles/afdEndpoints/purge/action'], notActions: [] }]
    assignableScopes: [resourceGroup().id]
  }
}

// Withdraws copies of archives that nobody may have any more.
resource withdrawsCopies 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(frontDoorName)) {
  scope: frontDoor
  name: guid(frontDoor.id, principalId, 'purge')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: purgesCopies.id
  }
}

// Reads what everybody may, in these containers alone; it cannot list what is in `private`.
resource readsPublicBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (container, place) in frontDoorContainers: {
  scope: containers[place]
  name: guid(containers[place].id, frontDoorPrincipalId, storageBlobDataReader)
  properties: {
    principalId: frontDoorPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
    condition: currentBlobsOnly
    conditionVersion: '2.0'
  }
}]

resource keepsItems 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = {
  parent: cosmos
  name: guid(cosmos.id, principalId, cosmosDataContributor)
  properties: {
    principalId: principalId
    roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataContributor}'
    scope: cosmos.id
  }
}

resource writesSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorId)) {
  scope: vault
  name: guid(vault.id, operatorId, keyVaultSecretsOfficer)
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}
