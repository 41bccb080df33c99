// Cosmos DB: the metadata. Keys do not work here; roles.bicep gives the app its role in the data.

@description('Name of the account.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('serverless or autoscale.')
@allowed(['serverless', 'autoscale'])
param capacity string

@description('Most request units a second with autoscale, shared by all containers.')
param maximumThroughput int

@description('How far back the account can be restored to any second.')
param restorable string

@description('Copies in several zones of the region.')
param zoneRedundant bool

@description('Reachable through the private endpoints of network.bicep alone.')
param isolated bool

@description('Keep the account, its containers and the roles in it from being deleted.')
param locked bool

@description('Workspace that gets the logs.')
param workspaceId string

@description('Log each request.')
param logRequests bool

// The containers of shared/adapters/cosmos/client.py; `ends` lets items with a ttl of their own end.
// Nothing is indexed but what a query asks for: bodies and outboxes are most of an item, and each path
// costs every write. The service itself indexes `id` and `_ts`.
var containers = [
  { name: 'packages', path: '/pk', ends: false, indexed: ['/pk/?', '/kind/?', '/key/?', '/waiting/?'], composite: [] }
  { name: 'tools', path: '/pk', ends: false, indexed: ['/pk/?'], composite: [] }
  {
    name: 'accounts'
    path: '/pk'
    ends: true
    indexed: ['/pk/?', '/kind/?', '/subject/?', '/removed/?', '/waiting/?', '/ends_ms/?']
    composite: []
  }
  {
    name: 'tokens'
    path: '/pk'
    ends: true
    indexed: ['/pk/?', '/kind/?', '/subject/?', '/removed/?', '/waiting/?', '/ends_ms/?']
    composite: []
  }
  {
    name: 'events'
    path: '/pk'
    ends: false
    indexed: ['/pk/?', '/number/?', '/origin/?', '/personal/?', '/leaf/?', '/at_ms/?', '/feed/?', '/body/actor/?']
    composite: []
  }
  { name: 'work', path: '/pk', ends: true, indexed: ['/pk/?', '/expires_ms/?'], composite: [] }
  { name: 'stats', path: '/pk', ends: true, indexed: ['/pk/?', '/kind/?', '/pulls/?', '/day/?', '/terms/[]/?'], composite: [] }
]

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    // checkov:skip=CKV_AZURE_101: Keys do not work, so the door needs a token of Entra ID; `isolated` closes it as well.
    databaseAccountOfferType: 'Standard'
    capabilities: (capacity == 'serverless') ? [{ name: 'EnableServerless' }] : []
    locations: [
      { locationName: location, failoverPriority: 0, isZoneRedundant: zoneRedundant }
    ]
    // The least that one region allows. A miss is read again before it becomes a 404.
    consistencyPolicy: {
      defaultConsistencyLevel: 'BoundedStaleness'
      maxStalenessPrefix: 10
      maxIntervalInSeconds: 5
    }
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: { tier: restorable }
    }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isolated ? 'Disabled' : 'Enabled'
    networkAclBypass: 'None'
    enableAutomaticFailover: false
    enableMultipleWriteLocations: false
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  scope: account
  name: 'ballroom'
  properties: {
    level: 'CanNotDelete'
    notes: 'It has all metadata, and its backup. docs/run/azure/operations.md says when to take the lock off.'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = {
  parent: account
  name: 'ballroom'
  tags: tags
  properties: {
    resource: { id: 'ballroom' }
    options: (capacity == 'serverless') ? {} : { autoscaleSettings: { maxThroughput: maximumThroughput } }
  }
}

@batchSize(1)
resource made 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = [for container in containers: {
  parent: database
  name: container.name
  tags: tags
  properties: {
    resource: union(
      {
        id: container.name
        partitionKey: { paths: [container.path], kind: 'Hash', version: 2 }
        indexingPolicy: {
          indexingMode: 'consistent'
          automatic: true
          includedPaths: map(container.indexed, path => { path: path })
          excludedPaths: [{ path: '/*' }]
          compositeIndexes: container.composite
        }
      },
      container.ends ? { defaultTtl: -1 } : {}
    )
  }
}]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: account
  name: 'ballroom'
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      { category: 'DataPlaneRequests', enabled: logRequests }
      { category: 'ControlPlaneRequests', enabled: true }
      // The largest partitions, a few lines an hour.
      { category: 'PartitionKeyStatistics', enabled: true }
    ]
    metrics: [{ category: 'Requests', enabled: true }]
  }
}

@description('Resource id of the account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Address of the account.')
output endpoint string = account.properties.documentEndpoint
