// A function app, on Flex Consumption: the only one, or one of several with the same package, each of which
// has a role.
//
// The host reads a whole body as text before a Function runs, for every method and path, and parses it where
// it looks like JSON. It holds a body several times over, and nothing ends that work. decisions/0105 has what
// was measured, and `bounds` follows from it.

@description('Name of the app.')
param name string

@description('Name of the service in azure.yaml whose package is deployed to the app.')
param service string

@description('What the app is there for: everything, or uploads of archives, other changes with the timer, or reads. Apps for changes and reads take small bodies.')
@allowed(['all', 'changes', 'reads', 'uploads'])
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

@description('Whether Front Door is before the app.')
param edge bool

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

@description('Percent of the requests and the runs of tasks that are exported as traces; 0 for none.')
@minValue(0)
@maxValue(100)
param tracePercent int = 0

@description('Version of Python.')
@allowed(['3.11', '3.12', '3.13', '3.14'])
param pythonVersion string

@description('Memory of an instance; 2,048 MB have one core, 4,096 MB two.')
@allowed([2048, 4096])
param instanceMemory int = 2048

@description('Replace instances one after the other when the package or a setting changes, not all at once; a preview.')
param rollingUpdates bool

@description('Instances that never go away.')
param alwaysReady int

@description('Most instances.')
param maximumInstances int

@description('Instances in several zones of the region.')
param zoneRedundant bool

@description('Whether the stores are in a network of their own.')
param isolated bool

@description('Subnet that the app reaches its stores from; empty for none.')
param subnetId string

@description('Id of the Front Door that alone may call; empty where there is none.')
param frontDoorId string

@description('Networks that may call where there is no Front Door, between commas: empty for nobody, * for everybody.')
param addresses string

// The same as a part of one.
var logShare = (logPercent == 100) ? '1' : '0.${padLeft(string(logPercent), 2, '0')}'
var traceShare = (tracePercent == 100) ? '1' : '0.${padLeft(string(tracePercent), 2, '0')}'

// How many requests an instance takes at once, and the largest body of each in KiB, by role and memory. An app
// that takes archives has one slot, with more memory as well: seven slots end with two bodies of 33 MiB. The
// other bodies are what 0.5 seconds of a core and eight at once allow.
var bounds = {
  all2048: { slots: 1, body: 67584 }
  all4096: { slots: 1, body: 67584 }
  uploads2048: { slots: 1, body: 67584 }
  uploads4096: { slots: 1, body: 67584 }
  changes2048: { slots: 8, body: 128 }
  changes4096: { slots: 16, body: 128 }
  reads2048: { slots: 8, body: 128 }
  reads4096: { slots: 16, body: 128 }
}
var bound = bounds['${role}${instanceMemory}']
var slots = bound.slots
// In several zones Azure accepts no fewer than two instances of a group, and keeps two of those it is not told of.
var fewest = zoneRedundant ? 2 : 0
var ready = max(alwaysReady, fewest)

// Without Front Door nothing limits bodies and requests before the app, so only who is named may call it.
var networks = filter(map(split(addresses, ','), network => trim(network)), network => !empty(network) && network != '*')
var callers = [for (network, at) in networks: {
  name: 'address-${at}'
  priority: 100 + at
  action: 'Allow'
  ipAddress: contains(network, '/') ? network : '${network}${contains(network, ':') ? '/128' : '/32'}'
}]
var isOpen = !edge && trim(addresses) == '*'
// A preview, which the types that Microsoft publishes lack. A region that does not offer it refuses the property.
var updates = rollingUpdates ? { siteUpdateStrategy: { type: 'RollingUpdate' } } : {}

// What the host reads. Identity alone: there is no connection string.
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostStorage.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: hostStorage.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: hostStorage.properties.primaryEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AZURE_CLIENT_ID: identityClientId
  // The host refuses a larger body before it reads a byte, with an empty 500.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: string(bound.body * 1024)
  // The same as in host.json, for an instance of this size.
  AzureFunctionsJobHost__extensions__http__maxConcurrentRequests: string(slots)
  // As in host.json: the host keeps its records of the same requests of which the app has a line.
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__initialSamplingPercentage: string(logPercent)
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__minSamplingPercentage: string(logPercent)
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__maxSamplingPercentage: string(logPercent)
  // Without it the host answers what has no route at / with a page of its own.
  AzureWebJobsDisableHomepage: 'true'
}

// What the registry reads in every installation: docs/reference/configuration.md.
var settings = {
  BALLROOM_URL: url
  BALLROOM_APP_ROLE: role
  BALLROOM_ENVIRONMENT: tokenEnvironment
  BALLROOM_COSMOS_ENDPOINT: cosmosEndpoint
  BALLROOM_BLOB_ENDPOINT: blobEndpoint
  BALLROOM_LOG_SHARE: logShare
  BALLROOM_TRACE_SHARE: traceShare
  // The platform may start more requests than the host has slots.
  BALLROOM_MAX_ARCHIVES_IN_HAND: string(slots)
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
  edge ? cdnSettings : {},
  edgeReadsBlobs ? blobSettings : {},
  isolated ? isolatedSettings : {},
  moreSettings
)

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-09-01' existing = {
  name: hostStorageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  // checkov:skip=CKV_AZURE_225: A parameter chooses it: not every region has zones, and dev pays for one.
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': service })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  // checkov:skip=CKV_AZURE_222: Behind Front Door only that may call, and elsewhere who is named.
  // checkov:skip=CKV_AZURE_17: Clients of a registry have tokens, not certificates, and `bal` can send none.
  // checkov:skip=CKV_AZURE_212: Flex Consumption has no workers to count; alwaysReady keeps instances for HTTP.
  // checkov:skip=CKV_AZURE_57: Any page may read what anybody may; no cookie and no login of the browser goes along.
  // checkov:skip=CKV_AZURE_62: The same rule, for function apps.
  // checkov:skip=CKV_AZURE_78: Flex Consumption has no FTP, and refuses a template that has ftpsState (error 51021).
  // checkov:skip=CKV_AZURE_213: Flex Consumption replaces instances by itself; alerts.bicep asks for health from outside.
  // A property that is null is sent as null, so what is not wanted is left out by `union`. Checkov does not look into
  // it; tests/repo/test_snapshots.py finds what it asks for in the evaluated template.
  // checkov:skip=CKV_AZURE_14: httpsOnly is in the union.
  // checkov:skip=CKV_AZURE_70: The same.
  // checkov:skip=CKV_AZURE_153: The same.
  // checkov:skip=CKV_AZURE_15: minTlsVersion is in the union.
  // checkov:skip=CKV_AZURE_18: http20Enabled is in the union.
  // checkov:skip=CKV_AZURE_67: The same.
  properties: union({
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    functionAppConfig: union({
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
        alwaysReady: (ready == 0) ? [] : [{ name: 'http', instanceCount: ready }]
        triggers: { http: { perInstanceConcurrency: slots } }
      }
    }, updates)
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      remoteDebuggingEnabled: false
      // The host answers every preflight itself. Any page may read what anybody may; cookies are for ours alone.
      cors: { allowedOrigins: ['*'], supportCredentials: false }
      // Behind Front Door nobody goes around it; deploying is another door, with its own lock.
      ipSecurityRestrictionsDefaultAction: isOpen ? 'Allow' : 'Deny'
      ipSecurityRestrictions: !edge ? callers : [
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
  }, isolated ? { virtualNetworkSubnetId: subnetId } : {})
}

resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
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
