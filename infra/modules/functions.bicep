// A function app, on Flex Consumption: the only one, or one of two with the same package, of which one
// answers reads and the other everything else.
//
// The host reads a whole body before a Function runs, and host and worker together need six times its
// size. So a request takes a slot of the memory of the instance, by the largest body that the app takes:
//
//   all:   6 * 80 MiB = 480 MiB of 512 MB a slot; eight slots of 4,096 MB need 3,840 MB, four slots of 2,048 MB need 1,920 MB.
//   reads: 6 * 8 MiB = 48 MiB of 64 MB a slot; 64 slots of 4,096 MB need 3,072 MB, 32 slots of 2,048 MB need 1,536 MB.
//
// What is left is for the host and workers that do nothing. Eight uploads of 64 MiB at once, the largest
// archives, took 2 GiB in all on the real host, and 16 at once without slots ended it. An instance of
// 512 MB holds none: one such upload takes the host alone 370 MiB.

@description('Name of the app.')
param name string

@description('Name of the service in azure.yaml whose package is deployed to the app.')
param service string

@description('What the app answers: everything, or reads alone, without timer and change feed and with small bodies.')
@allowed(['all', 'reads'])
param role string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the identity of the app.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Storage account of the Functions host.')
param hostStorageName string

@description('Container that packages are deployed to.')
param packagesContainer string

@description('Application Insights component.')
param insightsName string

@description('Workspace that gets the metrics.')
param workspaceId string

@description('Address of the key vault.')
param vaultUri string

@description('Address of the Cosmos DB account.')
param cosmosEndpoint string

@description('Address of the blobs of the registry.')
param blobEndpoint string

@description('Public address of the registry.')
param url string

@description('Short name of this installation, which stands in every token.')
param tokenEnvironment string

@description('Application (client) id of the registry in Entra ID; empty for no sign-in with it.')
param entraClientId string

@description('Addresses that Front Door calls from, between commas; empty where nothing is before the app.')
param edgeAddresses string

@description('Resource id of the endpoint of Front Door; empty where nothing is before the app.')
param edgeEndpointId string

@description('Whether Front Door reads public archives from Blob Storage itself.')
param edgeReadsBlobs bool

@description('Further settings by their names.')
param moreSettings object

@description('Percent of the requests that succeed and only read that leave something in the log.')
@minValue(1)
@maxValue(100)
param logPercent int = 1

@description('Version of Python.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.12'

@description('Memory of an instance; 2,048 MB have one core, 4,096 MB two.')
@allowed([2048, 4096])
param instanceMemory int = 2048

@description('Replace instances one after the other when the package or a setting changes, not all at once.')
param rollingUpdates bool

@description('Instances that never go away.')
param alwaysReady int

@description('Most instances.')
param maximumInstances int

@description('Instances in several zones of the region.')
param zoneRedundant bool

@description('Subnet that the app reaches its stores from; empty for none.')
param subnetId string

@description('Id of the Front Door that alone may call; empty where everybody may.')
param frontDoorId string

// The same as a part of one.
var logShare = (logPercent == 100) ? '1' : '0.${padLeft(string(logPercent), 2, '0')}'

var slotMemory = { all: 512, reads: 64 }
var largestBody = { all: 83886080, reads: 8388608 }
var slots = instanceMemory / slotMemory[role]
// A worker process uses one core, and has copies of its own of what is kept in memory.
var workers = instanceMemory / 2048
var feed = { name: 'function:feed_listings', instanceCount: 1 }

// What the host reads. Identity alone: there is no connection string.
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostStorage.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: hostStorage.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: hostStorage.properties.primaryEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // The change feed of the records, which functions/change_feed.py follows.
  COSMOS__accountEndpoint: cosmosEndpoint
  COSMOS__credential: 'managedidentity'
  COSMOS__clientId: identityClientId
  AZURE_CLIENT_ID: identityClientId
  // 80 MiB, or 8. What is larger gets an empty 500 of the host, so most of what is too large for the
  // registry stays below it and reads why.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: string(largestBody[role])
  FUNCTIONS_WORKER_PROCESS_COUNT: string(workers)
  // The same as in host.json, for an instance of this size.
  AzureFunctionsJobHost__extensions__http__maxConcurrentRequests: string(slots)
  // As in host.json: the host keeps its records of the same requests of which the app has a line and spans.
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__initialSamplingPercentage: string(logPercent)
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__minSamplingPercentage: string(logPercent)
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__maxSamplingPercentage: string(logPercent)
  // Without it the host answers what has no route at / with a page of its own.
  AzureWebJobsDisableHomepage: 'true'
}

// What the registry reads in every installation: docs/configuration.md.
var settings = {
  BALLROOM_URL: url
  BALLROOM_APP_ROLE: role
  BALLROOM_ENVIRONMENT: tokenEnvironment
  BALLROOM_COSMOS_ENDPOINT: cosmosEndpoint
  BALLROOM_BLOB_ENDPOINT: blobEndpoint
  BALLROOM_LOG_SHARE: logShare
  BALLROOM_TRACE_SHARE: logShare
  BALLROOM_MAX_ARCHIVE_BYTES: '67108864'
  BALLROOM_MAX_ARCHIVES_IN_HAND: '4'
  // No reference: Azure looks those up once a day, and the app reads the key itself every few minutes.
  BALLROOM_KEY_VAULT: vaultUri
  BALLROOM_KEY_SECRET: 'link-key'
}

// What it reads where people sign in with Entra ID; the application trusts the identity, so no secret.
var entraSettings = {
  BALLROOM_ENTRA_TENANT: tenant().tenantId
  BALLROOM_ENTRA_CLIENT_ID: entraClientId
  BALLROOM_ENTRA_MANAGED_IDENTITY: identityClientId
}

// What it reads behind Front Door, which tells whom it passes on.
var edgeSettings = {
  BALLROOM_TRUSTED_PROXIES: edgeAddresses
}

// What it reads where Front Door keeps copies of public archives, and takes `Authorization` off.
var cdnSettings = {
  BALLROOM_ARCHIVE_CDN_URL: url
  BALLROOM_ARCHIVE_CDN_RESOURCE: edgeEndpointId
}

// What it reads where Front Door asks Blob Storage for them, with a token of its own.
var blobSettings = {
  BALLROOM_ARCHIVE_CDN_ORIGIN: 'blobs'
}

// What it reads where its stores are in a network of their own, which clients do not reach.
var isolatedSettings = {
  BALLROOM_ARCHIVE_LINKS: 'registry'
}

// All of them: a setting that is not here is gone after the next deployment.
var appSettings = union(
  hostSettings,
  settings,
  empty(entraClientId) ? {} : entraSettings,
  empty(edgeAddresses) ? {} : edgeSettings,
  empty(edgeEndpointId) ? {} : cdnSettings,
  edgeReadsBlobs ? blobSettings : {},
  empty(subnetId) ? {} : isolatedSettings,
  moreSettings
)

resource hostStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: hostStorageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  // checkov:skip=CKV_AZURE_225: A parameter chooses it: not every region has zones, and dev pays for one.
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-05-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': service })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  // checkov:skip=CKV_AZURE_222: A registry is there for the public; behind Front Door only that may call.
  // checkov:skip=CKV_AZURE_17: Clients of a registry have tokens, not certificates, and `bal` can send none.
  // checkov:skip=CKV_AZURE_212: Flex Consumption has no workers to count; alwaysReady keeps instances for HTTP.
  // checkov:skip=CKV_AZURE_57: Any page may read what anybody may; no cookie and no login of the browser goes along.
  // checkov:skip=CKV_AZURE_62: The same rule, for function apps.
  // checkov:skip=CKV_AZURE_78: Flex Consumption has no FTP, and refuses a template that has ftpsState (error 51021).
  // checkov:skip=CKV_AZURE_213: Flex Consumption replaces instances by itself; alerts.bicep asks for health from outside.
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    publicNetworkAccess: 'Enabled'
    functionAppConfig: {
      runtime: { name: 'python', version: pythonVersion }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}${packagesContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        // One instance for the change feed: waking one up takes longer than a push waits to be found.
        alwaysReady: (alwaysReady == 0) ? [] : concat([{ name: 'http', instanceCount: alwaysReady }], role == 'all' ? [feed] : [])
        triggers: { http: { perInstanceConcurrency: slots } }
      }
      siteUpdateStrategy: { type: rollingUpdates ? 'RollingUpdate' : 'Recreate' }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      remoteDebuggingEnabled: false
      // The host answers every preflight itself. Any page may read what anybody may; cookies are for ours alone.
      cors: { allowedOrigins: ['*'], supportCredentials: false }
      // Behind Front Door nobody goes around it; deploying is another door, with its own lock.
      ipSecurityRestrictionsDefaultAction: empty(frontDoorId) ? 'Allow' : 'Deny'
      ipSecurityRestrictions: empty(frontDoorId) ? [] : [
        {
          name: 'front-door'
          priority: 100
          action: 'Allow'
          tag: 'ServiceTag'
          ipAddress: 'AzureFrontDoor.Backend'
          headers: { 'x-azure-fdid': [frontDoorId] }
        }
      ]
      scmIpSecurityRestrictionsUseMain: false
      // No `for`: that takes what is known before anything is made, and some values are not.
      appSettings: map(items(appSettings), setting => { name: setting.key, value: setting.value })
    }
  }
}

resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-05-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'ballroom'
  properties: {
    workspaceId: workspaceId
    // Application Insights has the logs.
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Name of the app.')
output name string = app.name
