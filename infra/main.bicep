// Ballroom in one resource group. No key anywhere: the app is a managed identity, and roles.bicep says
// what it may do. `size` chooses every default below; each can be given by itself.
targetScope = 'resourceGroup'

@description('Name of the environment, which all names are made from: letters, digits, hyphens and underscores.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything but the edge, which is everywhere.')
@metadata({ azd: { type: 'location' } })
param location string = resourceGroup().location

@description('How much there is to carry: dev costs next to nothing when idle, team serves a company, public the world.')
@allowed(['dev', 'team', 'public'])
param size string = 'dev'

@description('Public address of the registry without a slash at its end, such as https://packages.example.org, which Front Door then answers for; empty for the address of the edge, or of the app where there is none.')
param url string = ''

@description('Mailbox that alerts are sent to; empty for no alerts, whose probes would keep the app awake.')
param alertEmail string = ''

@description('What a month may cost, in the currency of the subscription, before a mail says so; 0 for no budget. Needs alertEmail.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the month in which the budget was first deployed, such as 2026-11-01; Azure refuses another one later.')
param budgetStart string = ''

@description('Application (client) id that infra/entra.sh registered; empty for no sign-in with Entra ID.')
param entraClientId string = ''

@description('Object id of whoever deploys, who may then write the keys of the registry; empty for nobody.')
param operatorId string = ''

@description('What that object is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorType string = 'User'

@description('Object id of a group whose members may write the keys of the registry, instead of whoever deploys; empty for whoever deploys.')
param operatorGroup string = ''

@description('Short name of this installation, which stands in every token: up to 12 lower-case letters and digits; empty for the first ones of environmentName.')
@maxLength(12)
param tokenEnvironment string = ''

@description('Further settings of docs/reference/configuration.md by their names, such as { BALLROOM_FOUNDING: \'administrators\' }. Every value is a text; secrets are references to the vault.')
param moreSettings object = {}

@description('How Cosmos DB is paid for: serverless by the request, autoscale by the hour.')
@allowed(['serverless', 'autoscale'])
param capacity string = size == 'dev' ? 'serverless' : 'autoscale'

@description('Most request units a second with autoscale, a multiple of 1,000; a tenth of it is paid for when idle.')
@minValue(1000)
param maximumThroughput int = size == 'public' ? 20000 : 4000

@description('How far back Cosmos DB can be restored to any second.')
@allowed(['Continuous7Days', 'Continuous30Days'])
param restorable string = size == 'dev' ? 'Continuous7Days' : 'Continuous30Days'

@description('Copies in several zones of the region, of data and of the app; not every region has zones.')
param zoneRedundant bool = size == 'public'

@description('Instances that never go away, so that nobody waits for a start from nothing.')
@minValue(0)
param alwaysReady int = size == 'public' ? 2 : (size == 'team' ? 1 : 0)

@description('Version of Python; the package has to be deployed again when it changes.')
@allowed(['3.11', '3.12', '3.13', '3.14'])
param pythonVersion string = '3.13'

@description('Memory of an instance, which has one core for 2,048 MB.')
@allowed([2048, 4096])
param instanceMemory int = 2048

@description('Replace instances one after the other when the package or a setting changes: a preview, and a region that does not offer it refuses the template.')
param rollingUpdates bool = false

@description('Most instances of an app, which bounds the bill as well; some regions take no fewer than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = size == 'public' ? 170 : 40

@description('Front Door before the app: caches public archives near their readers, limits rates.')
param edge bool = size != 'dev'

@description('Whether the app for uploads has its package, so that Front Door sends archives there and the app for changes takes small bodies: true or false. infra/preflight.py asks that app.')
@allowed(['true', 'false'])
param uploadsReady string = 'true'

@description('Addresses that Front Door calls the app from, between commas; infra/edge-addresses.sh asks Azure for them.')
param edgeAddresses string = ''

@description('Networks that may call the app where there is no Front Door, between commas, such as 203.0.113.7,198.51.100.0/24: empty for nobody, * for everybody, who can then stop it with one large body.')
param addresses string = ''

@description('Stores in a network of their own, reachable from the app alone. Six endpoints and five zones of names cost some 46 dollars a month.')
param isolated bool = false

@description('With isolated: what goes out of the network has one address of its own, by a NAT gateway. Without it Azure gives the network addresses that change.')
param natGateway bool = false

@description('Locks on the storage account of the registry, Cosmos DB and the vault, so that nobody deletes them by mistake. A lock has to be taken off before a role or a container in them can be deleted.')
param locks bool = size != 'dev'

@description('Name of the Cosmos DB account, after a restore to another one; empty for the first one.')
param cosmosName string = ''

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = size == 'public' ? 90 : 30

@description('Most gigabytes of logs a day; what comes after is lost. -1 for no limit.')
param logGigabytes int = size == 'dev' ? 1 : -1

@description('Percent of the requests that succeed and only read that have a line in the log and a record of the host.')
@minValue(1)
@maxValue(100)
param logPercent int = 1

@description('Percent of the requests and the runs of tasks that are exported as traces, with their calls of stores and other servers; above 0 also each request that fails or takes a second. 0 for none.')
@minValue(0)
@maxValue(100)
param tracePercent int = 0

@description('Log each request to Cosmos DB, about a kilobyte; to find out what costs request units.')
param logDatabaseRequests bool = false

@description('Log each request to Front Door, about 1.5 kilobytes; what its firewall refuses is always logged.')
param logEdgeRequests bool = false

var unique = toLower(uniqueString(resourceGroup().id, environmentName))
// Names are known before anything is made. What depends on one names the module that makes it, in dependsOn:
// with the name as an output of that module, what-if could not tell what changes.
var insightsName = 'appi-ballroom-${unique}'
var hostStorageName = 'stbrhost${unique}'
var registryStorageName = 'stbr${unique}'
var firstCosmos = 'cosmos-ballroom-${unique}'
var cosmosAccount = empty(cosmosName) ? firstCosmos : cosmosName
var vaultName = 'kv-br-${unique}'
var networkName = 'vnet-ballroom-${unique}'
var frontDoorName = 'afd-ballroom-${unique}'
var endpointName = 'ballroom-${unique}'
var functionsName = 'func-ballroom-${unique}'
var functionsHost = '${functionsName}.azurewebsites.net'
// Behind Front Door a second app of the same package answers reads, and a third one takes archives: an upload
// holds the slot of an instance as long as its client likes.
var readsName = 'func-ballroom-read-${unique}'
var readsHost = '${readsName}.azurewebsites.net'
var uploadsName = 'func-ballroom-upload-${unique}'
var uploadsHost = '${uploadsName}.azurewebsites.net'
var uploadsTakeArchives = edge && uploadsReady == 'true'
var tags = { product: 'ballroom', 'azd-env-name': environmentName }
// Front Door has no way into a network of its own for the stores; the app then sends archives.
var edgeReadsBlobs = edge && !isolated
// Tiles of the log are everybody's where the registry is.
var everybodyReads = contains(furtherSettings, 'BALLROOM_READERS') ? furtherSettings.BALLROOM_READERS == 'everybody' : true
var edgeReadsTiles = edgeReadsBlobs && everybodyReads
var edgeContainers = edgeReadsTiles ? ['archives', 'transparency'] : ['archives']
var isPublic = edge || trim(addresses) == '*'
var endpointId = resourceId('Microsoft.Cdn/profiles/afdEndpoints', frontDoorName, endpointName)
var storageSku = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
// What would be found out late, by a service or by the app. infra/preflight.py says the same before
// azd begins.
var addressParts = split(url, '/')
var isAddress = startsWith(url, 'https://') && length(addressParts) == 3 && !empty(last(addressParts))
var registryUrl = (empty(url) || isAddress) ? url : fail('url has to be an https address without a path and without a slash at its end, such as https://packages.example.org.')
var plainName = toLower(replace(replace(environmentName, '-', ''), '_', ''))
var isPlain = !empty(plainName) && !contains(plainName, '.') && !contains(plainName, '(') && !contains(plainName, ')')
var tokenName = !empty(tokenEnvironment) ? tokenEnvironment : (isPlain ? take(plainName, 12) : fail('environmentName has to hold a letter or a digit, and besides these only - and _. Choose another one, or set tokenEnvironment.'))
var throughput = (maximumThroughput % 1000 == 0) ? maximumThroughput : fail('maximumThroughput has to be a multiple of 1,000, such as 4000.')
var isMonth = length(budgetStart) == 10 && endsWith(budgetStart, '-01')
var monthStart = (monthlyBudget == 0 || isMonth) ? budgetStart : fail('budgetStart has to be the first day of the month in which monthlyBudget is first deployed, such as 2026-11-01.')
var invalidSettings = filter(items(moreSettings), setting => string(setting.value) != setting.value)
var furtherSettings = empty(invalidSettings) ? moreSettings : fail('Every value of moreSettings has to be a text in quotes, such as "true" or "30".')
// Where other apps answer reads and take archives, one instance is enough for changes, which are few.
var apps = concat(
  [
    {
      module: 'functions'
      service: 'registry'
      name: functionsName
      role: uploadsTakeArchives ? 'changes' : 'all'
      packagesContainer: 'packages'
      subnet: 'functions'
      alwaysReady: edge ? min(alwaysReady, 1) : alwaysReady
      maximumInstances: edge ? 40 : maximumInstances
    }
  ],
  edge ? [
    {
      module: 'reads'
      service: 'reads'
      name: readsName
      role: 'reads'
      packagesContainer: 'packages-reads'
      subnet: 'functions-reads'
      alwaysReady: alwaysReady
      maximumInstances: maximumInstances
    }
    {
      module: 'uploads'
      service: 'uploads'
      name: uploadsName
      role: 'uploads'
      packagesContainer: 'packages-uploads'
      subnet: 'functions-uploads'
      alwaysReady: min(alwaysReady, 1)
      maximumInstances: 40
    }
  ] : []
)
// The address of the endpoint itself is no domain of one's own.
var domain = (empty(registryUrl) || endsWith(registryUrl, '.azurefd.net')) ? '' : addressParts[2]
// What Azure gives, which answers whether or not there is a domain yet.
var endpoint = edge ? frontDoor!.outputs.url : 'https://${functionsHost}'
var publicUrl = !empty(registryUrl) ? registryUrl : endpoint

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: unique
    insightsName: insightsName
    location: location
    tags: tags
    logDays: logDays
    logGigabytes: logGigabytes
  }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: { name: 'id-ballroom-${unique}', location: location, tags: tags }
}

module hostStorage 'modules/storage.bicep' = {
  name: 'host-storage'
  params: {
    name: hostStorageName
    location: location
    tags: tags
    sku: storageSku
    containers: ['packages', 'packages-reads', 'packages-uploads']
    history: false
    isolated: isolated
    workspaceId: monitoring.outputs.workspaceId
  }
}

module registryStorage 'modules/storage.bicep' = {
  name: 'registry-storage'
  params: {
    name: registryStorageName
    location: location
    tags: tags
    sku: storageSku
    containers: ['archives', 'private', 'derived', 'uploads', 'backups', 'transparency']
    dayContainers: ['uploads']
    backupContainers: ['backups']
    isolated: isolated
    locked: locks
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  params: {
    name: cosmosAccount
    location: location
    tags: tags
    capacity: capacity
    maximumThroughput: throughput
    restorable: restorable
    zoneRedundant: zoneRedundant
    isolated: isolated
    locked: locks
    workspaceId: monitoring.outputs.workspaceId
    logRequests: logDatabaseRequests
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    isolated: isolated
    locked: locks
    workspaceId: monitoring.outputs.workspaceId
  }
}

module network 'modules/network.bicep' = if (isolated) {
  name: 'network'
  params: {
    name: unique
    networkName: networkName
    location: location
    tags: tags
    natGateway: natGateway
    hostStorageId: hostStorage.outputs.id
    registryStorageId: registryStorage.outputs.id
    cosmosId: cosmos.outputs.id
    // A private endpoint cannot be given another target, so that of a restored account is another one.
    cosmosEndpointName: cosmosAccount == firstCosmos ? 'cosmos' : cosmosAccount
    vaultId: vault.outputs.id
  }
  // Cosmos DB refuses a private endpoint while a role in the account is given.
  dependsOn: [roles]
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    // Azure chooses it, and the names of roles that are given are made of it: a role has one name for as long
    // as it is given, so they cannot be made of anything else.
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
    operatorId: empty(operatorGroup) ? operatorId : operatorGroup
    operatorType: empty(operatorGroup) ? operatorType : 'Group'
    hostStorageName: hostStorageName
    registryStorageName: registryStorageName
    cosmosName: cosmosAccount
    vaultName: vaultName
    insightsName: insightsName
    frontDoorName: edge ? frontDoorName : ''
    #disable-next-line what-if-short-circuiting // The same.
    frontDoorPrincipalId: edge ? frontDoorProfile!.outputs.principalId : ''
    frontDoorContainers: edgeReadsBlobs ? edgeContainers : []
  }
  dependsOn: [monitoring, hostStorage, registryStorage, cosmos, vault]
}

module frontDoorProfile 'modules/edge-profile.bicep' = if (edge) {
  name: 'edge-profile'
  params: { name: frontDoorName, tags: tags }
}

module frontDoor 'modules/edge.bicep' = if (edge) {
  name: 'edge'
  params: {
    name: unique
    tags: tags
    profileName: frontDoorName
    endpointName: endpointName
    domain: domain
    originHost: readsHost
    writesHost: functionsHost
    uploadsHost: uploadsHost
    sendUploads: uploadsTakeArchives
    readsBlobs: edgeReadsBlobs
    readsTiles: edgeReadsTiles
    blobHost: split(registryStorage.outputs.blobEndpoint, '/')[2]
    workspaceId: monitoring.outputs.workspaceId
    logRequests: logEdgeRequests
  }
  // Front Door reads blobs as soon as it is told to, and keeps refusals.
  dependsOn: [roles]
}

module functions 'modules/functions.bicep' = [
  for app in apps: {
    name: app.module
    params: {
      name: app.name
      service: app.service
      role: app.role
      location: location
      tags: tags
      identityId: identity.outputs.id
      identityClientId: identity.outputs.clientId
      hostStorageName: hostStorageName
      packagesContainer: app.packagesContainer
      insightsName: insightsName
      workspaceId: monitoring.outputs.workspaceId
      vaultUri: vault.outputs.uri
      cosmosEndpoint: cosmos.outputs.endpoint
      blobEndpoint: registryStorage.outputs.blobEndpoint
      url: publicUrl
      tokenEnvironment: tokenName
      entraClientId: entraClientId
      edgeAddresses: edge ? edgeAddresses : ''
      edge: edge
      edgeEndpointId: edge ? endpointId : ''
      edgeReadsBlobs: edgeReadsBlobs
      moreSettings: furtherSettings
      logPercent: logPercent
      tracePercent: tracePercent
      pythonVersion: pythonVersion
      instanceMemory: instanceMemory
      rollingUpdates: rollingUpdates
      alwaysReady: app.alwaysReady
      maximumInstances: app.maximumInstances
      zoneRedundant: zoneRedundant
      isolated: isolated
      subnetId: isolated ? resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, app.subnet) : ''
      frontDoorId: edge ? frontDoorProfile!.outputs.frontDoorId : ''
      addresses: addresses
    }
    // The host reads its storage as soon as it starts, and gives up when it may not.
    dependsOn: [roles, network]
  }
]

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: unique
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    insightsName: insightsName
    email: alertEmail
    url: publicUrl
    isPublic: isPublic
    hasUploads: edge
    endpoint: endpoint
    apps: map(apps, app => { name: app.name, maximumInstances: app.maximumInstances })
    cosmosName: cosmosAccount
    hasThroughput: capacity == 'autoscale'
    frontDoorName: edge ? frontDoorName : ''
    monthlyBudget: monthlyBudget
    budgetStart: monthStart
  }
  // Azure refuses a rule over a resource that is not there.
  dependsOn: [functions, cosmos, frontDoorProfile]
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    cosmosName: cosmosAccount
  }
  dependsOn: [cosmos]
}

@description('Public address of the registry.')
output BALLROOM_PUBLIC_URL string = publicUrl

@description('Address that Azure gives, which answers before a domain of your own does.')
output BALLROOM_ENDPOINT string = endpoint

@description('Whether the vault and the stores are reachable from the network of the app alone.')
output BALLROOM_ISOLATED bool = isolated

@description('Name of the function app.')
output BALLROOM_FUNCTION_APP string = functionsName

@description('Name of the function app that answers reads; empty where one app answers everything.')
output BALLROOM_READS_APP string = edge ? readsName : ''

@description('Whether there is an app for reads, to which azd deploys the package as well.')
output BALLROOM_READS_APART bool = edge

@description('Name of the function app that takes archives; empty where one app answers everything.')
output BALLROOM_UPLOADS_APP string = edge ? uploadsName : ''

@description('Whether there is an app for uploads, to which azd deploys the package as well.')
output BALLROOM_UPLOADS_APART bool = edge

@description('Whether Front Door sends archives to the app for uploads: the parameter uploadsReady of the next deployment.')
output BALLROOM_UPLOADS_READY string = uploadsTakeArchives ? 'true' : 'false'

@description('Name of the key vault, for infra/keys.sh.')
output BALLROOM_VAULT string = vault.outputs.name

@description('Object id of the managed identity, which infra/entra.sh lets the application trust.')
output BALLROOM_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

@description('Name of the storage account of the registry.')
output BALLROOM_STORAGE string = registryStorage.outputs.name

@description('Name of the Cosmos DB account.')
output BALLROOM_COSMOS string = cosmos.outputs.name

// Outputs that are named as what azd fills in, so that `azd env refresh` brings back on another machine what
// these templates were told.
@description('Size of the installation.')
output BALLROOM_SIZE string = size

@description('Domain of your own; empty for none.')
output BALLROOM_URL string = url

@description('Mailbox of the alerts; empty for none.')
output BALLROOM_ALERT_EMAIL string = alertEmail

@description('Application (client) id of Entra ID; empty for none.')
output BALLROOM_ENTRA_CLIENT_ID string = entraClientId

@description('Addresses that Front Door calls the app from.')
output BALLROOM_EDGE_ADDRESSES string = edgeAddresses

@description('Networks that may call the app where there is no Front Door.')
output BALLROOM_ADDRESSES string = addresses

@description('Group whose members may write the keys of the registry; empty for none.')
output BALLROOM_OPERATOR_GROUP string = operatorGroup

@description('Further settings.')
output BALLROOM_MORE_SETTINGS object = moreSettings
