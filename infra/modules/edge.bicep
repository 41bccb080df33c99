// Front Door before the app: keeps public archives and tiles of the log near their readers, which it reads from
// Blob Storage itself, and limits rates.

@description('What the names end with.')
param name string

@description('Tags of every resource.')
param tags object

@description('Name of the profile.')
param profileName string

@description('Name of the endpoint.')
param endpointName string

@description('Host of the app that answers reads.')
param originHost string

@description('Host of the app that answers everything else.')
param writesHost string

@description('Host of the app that takes archives.')
param uploadsHost string

@description('Send archives to that app, which has its package by now.')
param sendUploads bool

@description('Whether Front Door reads public archives from Blob Storage itself.')
param readsBlobs bool

@description('Whether Front Door reads full tiles of the transparency log there as well, which takes that everybody may read the registry.')
param readsTiles bool

@description('Host of the blobs of the registry, which the identity of the profile may read.')
param blobHost string

@description('Host name of your own, such as packages.example.org; empty for that of the endpoint alone.')
param domain string = ''

@description('Requests a minute that one address may make.')
@minValue(10)
param requestsAMinute int = 30000

@description('Requests with a body and without a token that one address may make in five minutes, reads left aside.')
@minValue(10)
param anonymousBodies int = 300

@description('Workspace that gets the log of requests and refusals.')
param workspaceId string

@description('Log each request.')
param logRequests bool

// With a token for Blob Storage, requests name the version of its interface that they are written for.
var blobVersion = '2021-12-02'

// The paths of reads with a body, as conditions name them: without the slash at their beginning.
var readsByPost = [
  '2.0/graphql'
  '2.0/registry/packages/resolve-dependencies'
  '2.0/registry/packages/resolve-modules'
  '2.0/registry/tools/resolve-dependencies'
  'api/v1/check'
  'mcp'
  'scim/v2/.search'
  'v1/query'
  'v1/querybatch'
]

// The paths of archives that are sent as a form; clients whose base address ends in a slash double it.
var formsOfArchives = ['2.0/registry/packages', '2.0/registry//packages', 'api/v1/dry-run']

// The same reads as the firewall sees them: with or without the host before the path.
var readByPost = '^(https?://[^/]*)?/(${replace(join(readsByPost, '|'), '.', '[.]')})([?].*)?$'

// Whether a request has a body above 128 KiB, by its Content-Length, which all apps but that for uploads refuse.
// Whatever the header says beside a small number counts as large. A body in pieces has none, and reaches no
// Function.
var isLarge = [
  { matchVariable: 'RequestHeader', selector: 'Content-Length', operator: 'Any', negateCondition: false, matchValue: [] }
  { matchVariable: 'RequestHeader', selector: 'Content-Length', operator: 'RegEx', negateCondition: true, matchValue: [smallLength] }
]
var smallLength = '^0*([0-9]{1,5}|1[0-2][0-9]{4}|130[0-9]{3}|1310[0-6][0-9]|13107[0-2])$'

// Where archives are sent, with or without the host before the path. A policy takes five rules with a regular
// expression, and those about large bodies are four.
var uploads = '^(https?://[^/]*)?/(2[.]0/registry//?packages|api/v1/dry-run|2[.]0/maven/[^?]+)/?([?].*)?$'

resource profile 'Microsoft.Cdn/profiles@2026-10-01' existing = {
  name: profileName
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2026-10-01' = {
  parent: profile
  name: endpointName
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

// Front Door makes the certificate, once the owner of the domain has shown who they are, and renews it.
resource ownDomain 'Microsoft.Cdn/profiles/customDomains@2026-10-01' = if (!empty(domain)) {
  parent: profile
  name: empty(domain) ? 'none' : replace(domain, '.', '-')
  properties: {
    hostName: domain
    tlsSettings: { certificateType: 'ManagedCertificate', minimumTlsVersion: 'TLS12' }
  }
}

resource group 'Microsoft.Cdn/profiles/originGroups@2026-10-01' = {
  parent: profile
  name: 'app'
  properties: {
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 }
    // No probes: there is one origin, which gets every request however it is, and each place of the
    // edge would ask it all day.
  }
}

resource origin 'Microsoft.Cdn/profiles/originGroups/origins@2026-10-01' = {
  parent: group
  name: 'app'
  properties: {
    hostName: originHost
    originHostHeader: originHost
    httpsPort: 443
    enforceCertificateNameCheck: true
    enabledState: 'Enabled'
  }
}

// Front Door signs in to Blob Storage as itself: roles.bicep says which containers it may read. The only
// origin gets every request, whatever its probe says; authentication wants a probe over TLS.
resource blobs 'Microsoft.Cdn/profiles/originGroups@2026-10-01' = if (readsBlobs) {
  parent: profile
  name: 'blobs'
  properties: {
    authentication: { type: 'SystemAssignedIdentity', scope: 'https://storage.azure.com/.default' }
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 }
    healthProbeSettings: { probePath: '/health/ready', probeProtocol: 'Https', probeRequestType: 'HEAD', probeIntervalInSeconds: 240 }
  }
}

resource blobOrigin 'Microsoft.Cdn/profiles/originGroups/origins@2026-10-01' = if (readsBlobs) {
  parent: blobs
  name: 'blobs'
  properties: {
    hostName: blobHost
    originHostHeader: blobHost
    httpsPort: 443
    enforceCertificateNameCheck: true
    enabledState: 'Enabled'
  }
}

resource writes 'Microsoft.Cdn/profiles/originGroups@2026-10-01' = {
  parent: profile
  name: 'writes'
  properties: {
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 }
  }
}

resource writesOrigin 'Microsoft.Cdn/profiles/originGroups/origins@2026-10-01' = {
  parent: writes
  name: 'app'
  properties: {
    hostName: writesHost
    originHostHeader: writesHost
    httpsPort: 443
    enforceCertificateNameCheck: true
    enabledState: 'Enabled'
  }
}

// No probe either: it would keep an instance of the app, with its one slot, awake for each place of the edge.
resource pushes 'Microsoft.Cdn/profiles/originGroups@2026-10-01' = {
  parent: profile
  name: 'uploads'
  properties: {
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 }
  }
}

resource pushesOrigin 'Microsoft.Cdn/profiles/originGroups/origins@2026-10-01' = {
  parent: pushes
  name: 'app'
  properties: {
    hostName: uploadsHost
    originHostHeader: uploadsHost
    httpsPort: 443
    enforceCertificateNameCheck: true
    enabledState: 'Enabled'
  }
}

resource changes 'Microsoft.Cdn/profiles/ruleSets@2026-10-01' = {
  parent: profile
  name: 'changes'
}

// A set of its own, before that of changes, whose rules keep their order.
resource uploading 'Microsoft.Cdn/profiles/ruleSets@2026-10-01' = {
  parent: profile
  name: 'uploads'
}

// An archive is read whole before the app runs, however slowly it comes. Nothing else waits for its slot.
resource sendForms 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = if (sendUploads) {
  parent: uploading
  name: 'sendForms'
  properties: {
    order: 1
    conditions: [
      {
        name: 'RequestMethod'
        parameters: {
          typeName: 'DeliveryRuleRequestMethodConditionParameters'
          operator: 'Equal'
          matchValues: ['POST']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'Equal'
          matchValues: formsOfArchives
          negateCondition: false
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: pushes.id }, forwardingProtocol: 'HttpsOnly' }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [pushesOrigin]
}

// Files of the Maven repository, of which one is an archive. They come one after the other.
resource sendFiles 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = if (sendUploads) {
  parent: uploading
  name: 'sendFiles'
  properties: {
    order: 2
    conditions: [
      {
        name: 'RequestMethod'
        parameters: {
          typeName: 'DeliveryRuleRequestMethodConditionParameters'
          operator: 'Equal'
          matchValues: ['PUT']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'BeginsWith'
          matchValues: ['2.0/maven/']
          negateCondition: false
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: pushes.id }, forwardingProtocol: 'HttpsOnly' }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [pushesOrigin]
}

// The apps answer to nobody but Front Door, so this is how somebody asks one whether it is there.
resource askUploads 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = {
  parent: uploading
  name: 'askUploads'
  properties: {
    order: 3
    conditions: [
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'Equal'
          matchValues: ['health/ready']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'QueryString'
        parameters: {
          typeName: 'DeliveryRuleQueryStringConditionParameters'
          operator: 'Equal'
          matchValues: ['app=uploads']
          negateCondition: false
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: pushes.id }, forwardingProtocol: 'HttpsOnly' }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [pushesOrigin]
}

resource askChanges 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = {
  parent: uploading
  name: 'askChanges'
  properties: {
    order: 4
    conditions: [
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'Equal'
          matchValues: ['health/ready']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'QueryString'
        parameters: {
          typeName: 'DeliveryRuleQueryStringConditionParameters'
          operator: 'Equal'
          matchValues: ['app=changes']
          negateCondition: false
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: writes.id }, forwardingProtocol: 'HttpsOnly' }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [writesOrigin]
}

// Changes, slow ones too, hold no slots of the app for reads.
resource sendChanges 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = {
  parent: changes
  name: 'sendChanges'
  properties: {
    order: 1
    conditions: [
      {
        name: 'RequestMethod'
        parameters: {
          typeName: 'DeliveryRuleRequestMethodConditionParameters'
          operator: 'Equal'
          // The condition knows no PATCH, so it names what the other app answers, and what the next rule asks for.
          matchValues: ['GET', 'HEAD', 'OPTIONS', 'POST']
          negateCondition: true
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: writes.id }, forwardingProtocol: 'HttpsOnly' }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [writesOrigin]
}

// A build resolves with POST: that changes nothing, has a small body, and is as frequent as a pull, so it
// is a read by its path.
resource sendPosts 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = {
  parent: changes
  name: 'sendPosts'
  properties: {
    order: 2
    conditions: [
      {
        name: 'RequestMethod'
        parameters: {
          typeName: 'DeliveryRuleRequestMethodConditionParameters'
          operator: 'Equal'
          matchValues: ['POST']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'Equal'
          matchValues: readsByPost
          negateCondition: true
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: writes.id }, forwardingProtocol: 'HttpsOnly' }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [writesOrigin]
}

// A deployment deletes nothing, so the rule of the other kind stays when `isolated` changes. Each has a
// set of its own, and the route names one of them.
resource archivesFromApp 'Microsoft.Cdn/profiles/ruleSets@2026-10-01' = if (!readsBlobs) {
  parent: profile
  name: 'archivesFromApp'
}

resource archivesFromBlobs 'Microsoft.Cdn/profiles/ruleSets@2026-10-01' = if (readsBlobs) {
  parent: profile
  name: 'archivesFromBlobs'
}

// A classic client repeats its token on the second hop. A public archive is everybody's: without the
// token there is one copy for all. Private ones go through as they come, and say that nobody keeps them.
resource keep 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = if (!readsBlobs) {
  parent: archivesFromApp
  name: 'keep'
  properties: {
    order: 1
    conditions: [
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'BeginsWith'
          matchValues: ['archives/public/']
          negateCondition: false
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'ModifyRequestHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Delete'
          headerName: 'Authorization'
        }
      }
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          cacheConfiguration: {
            queryStringCachingBehavior: 'IgnoreQueryString'
            cacheBehavior: 'HonorOrigin'
            isCompressionEnabled: 'Disabled'
          }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
}

// The same from Blob Storage: the address of a public archive ends as the name of its blob does, and the
// blob has its own headers. One that an earlier version stored has none until delete-orphaned-archives runs; without
// a time of its own it is kept for as long as the others say. With a query Blob Storage lists containers
// and sends deleted versions, so a request that has one goes to the app, which reads none; and so does the
// preflight of a page, which Blob Storage refuses.
resource keepBlobs 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = if (readsBlobs) {
  parent: archivesFromBlobs
  name: 'keepBlobs'
  properties: {
    order: 1
    conditions: [
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'BeginsWith'
          matchValues: ['archives/public/']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'RequestMethod'
        parameters: {
          typeName: 'DeliveryRuleRequestMethodConditionParameters'
          operator: 'Equal'
          matchValues: ['GET', 'HEAD']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'QueryString'
        parameters: {
          typeName: 'DeliveryRuleQueryStringConditionParameters'
          operator: 'Any'
          matchValues: []
          negateCondition: true
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'ModifyRequestHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Delete'
          headerName: 'Authorization'
        }
      }
      {
        name: 'ModifyRequestHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Overwrite'
          headerName: 'x-ms-version'
          value: blobVersion
        }
      }
      {
        name: 'ModifyResponseHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Overwrite'
          headerName: 'Access-Control-Allow-Origin'
          value: '*'
        }
      }
      {
        name: 'UrlRewrite'
        parameters: {
          typeName: 'DeliveryRuleUrlRewriteActionParameters'
          sourcePattern: '/archives/public/'
          destination: '/archives/'
          preserveUnmatchedPath: true
        }
      }
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: blobs.id }, forwardingProtocol: 'HttpsOnly' }
          cacheConfiguration: {
            queryStringCachingBehavior: 'IgnoreQueryString'
            cacheBehavior: 'OverrideIfOriginMissing'
            cacheDuration: '00:05:00'
            isCompressionEnabled: 'Disabled'
          }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [blobOrigin]
}

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2026-10-01' = {
  parent: endpoint
  name: 'all'
  properties: {
    originGroup: { id: group.id }
    customDomains: empty(domain) ? [] : [{ id: ownDomain.id }]
    ruleSets: readsBlobs ? [{ id: uploading.id }, { id: changes.id }, { id: archivesFromBlobs.id }] : [{ id: uploading.id }, { id: changes.id }, { id: archivesFromApp.id }]
    patternsToMatch: ['/*']
    supportedProtocols: ['Http', 'Https']
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Enabled'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
  }
  dependsOn: [origin, sendForms, sendFiles, askUploads, askChanges, sendChanges, sendPosts, keep, keepBlobs]
}

// Static files are the same for everybody and never change. Pages are not kept: Front Door ignores
// `Vary`, so it could not tell a page from its JSON; the registry compresses those itself.
resource staticFiles 'Microsoft.Cdn/profiles/afdEndpoints/routes@2026-10-01' = {
  parent: endpoint
  name: 'static'
  properties: {
    originGroup: { id: group.id }
    customDomains: empty(domain) ? [] : [{ id: ownDomain.id }]
    ruleSets: [{ id: changes.id }]
    patternsToMatch: ['/static/*']
    cacheConfiguration: {
      queryStringCachingBehavior: 'IgnoreQueryString'
      compressionSettings: {
        isCompressionEnabled: true
        contentTypesToCompress: ['text/css', 'text/javascript', 'image/svg+xml']
      }
    }
    supportedProtocols: ['Http', 'Https']
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Enabled'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
  }
  dependsOn: [origin, sendChanges, sendPosts]
}

resource tilesFromBlobs 'Microsoft.Cdn/profiles/ruleSets@2026-10-01' = if (readsTiles) {
  parent: profile
  name: 'tilesFromBlobs'
}

// Full tiles of the first log, whose address ends as the name of the blob does. A part of a tile is replaced by
// the full one within minutes, so it comes from the app, as a log does that follows the first one.
resource keepTiles 'Microsoft.Cdn/profiles/ruleSets/rules@2026-10-01' = if (readsTiles) {
  parent: tilesFromBlobs
  name: 'keepTiles'
  properties: {
    order: 1
    conditions: [
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'BeginsWith'
          matchValues: ['log/tile/']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'UrlPath'
        parameters: {
          typeName: 'DeliveryRuleUrlPathMatchConditionParameters'
          operator: 'Contains'
          matchValues: ['.p/']
          negateCondition: true
          transforms: []
        }
      }
      {
        name: 'RequestMethod'
        parameters: {
          typeName: 'DeliveryRuleRequestMethodConditionParameters'
          operator: 'Equal'
          matchValues: ['GET', 'HEAD']
          negateCondition: false
          transforms: []
        }
      }
      {
        name: 'QueryString'
        parameters: {
          typeName: 'DeliveryRuleQueryStringConditionParameters'
          operator: 'Any'
          matchValues: []
          negateCondition: true
          transforms: []
        }
      }
    ]
    actions: [
      {
        name: 'ModifyRequestHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Delete'
          headerName: 'Authorization'
        }
      }
      {
        name: 'ModifyRequestHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Overwrite'
          headerName: 'x-ms-version'
          value: blobVersion
        }
      }
      {
        name: 'UrlRewrite'
        parameters: {
          typeName: 'DeliveryRuleUrlRewriteActionParameters'
          sourcePattern: '/log/tile/'
          destination: '/transparency/log/tile/'
          preserveUnmatchedPath: true
        }
      }
      {
        name: 'RouteConfigurationOverride'
        parameters: {
          typeName: 'DeliveryRuleRouteConfigurationOverrideActionParameters'
          originGroupOverride: { originGroup: { id: blobs.id }, forwardingProtocol: 'HttpsOnly' }
          cacheConfiguration: {
            queryStringCachingBehavior: 'IgnoreQueryString'
            cacheBehavior: 'OverrideIfOriginMissing'
            cacheDuration: '00:05:00'
            isCompressionEnabled: 'Disabled'
          }
        }
      }
    ]
    matchProcessingBehavior: 'Stop'
  }
  dependsOn: [blobOrigin]
}

// Tiles of the transparency log never change once they are full, and say how long they may be kept. Where only
// signed-in people read, their answers are private, and the edge keeps none. The checkpoint comes from the registry;
// that of a log that follows another one is below /logs/, with its tiles, and is kept for two seconds.
resource logTiles 'Microsoft.Cdn/profiles/afdEndpoints/routes@2026-10-01' = {
  parent: endpoint
  name: 'log'
  properties: {
    originGroup: { id: group.id }
    customDomains: empty(domain) ? [] : [{ id: ownDomain.id }]
    ruleSets: readsTiles ? [{ id: changes.id }, { id: tilesFromBlobs.id }] : [{ id: changes.id }]
    patternsToMatch: ['/log/tile/*', '/logs/*']
    cacheConfiguration: { queryStringCachingBehavior: 'IgnoreQueryString' }
    supportedProtocols: ['Http', 'Https']
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Enabled'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
  }
  dependsOn: [origin, sendChanges, sendPosts, keepTiles]
}

resource firewall 'Microsoft.Network/FrontDoorWebApplicationFirewallPolicies@2026-04-01' = {
  name: 'wafballroom${name}'
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  properties: {
    policySettings: { enabledState: 'Enabled', mode: 'Prevention', requestBodyCheck: 'Enabled' }
    customRules: {
      rules: [
        {
          name: 'pace'
          enabledState: 'Enabled'
          priority: 100
          ruleType: 'RateLimitRule'
          rateLimitDurationInMinutes: 1
          rateLimitThreshold: requestsAMinute
          // Every address: the rule counts each by itself.
          matchConditions: [
            { matchVariable: 'SocketAddr', operator: 'IPMatch', negateCondition: false, matchValue: ['0.0.0.0/0', '::/0'] }
          ]
          action: 'Block'
        }
        {
          // A body holds a slot for as long as its client takes to send it, before the product knows who
          // sends it. Reads by POST are left aside: a whole office resolves from one address.
          name: 'anonymousPosts'
          enabledState: 'Enabled'
          priority: 110
          ruleType: 'RateLimitRule'
          rateLimitDurationInMinutes: 5
          rateLimitThreshold: anonymousBodies
          matchConditions: [
            { matchVariable: 'RequestMethod', operator: 'Equal', negateCondition: false, matchValue: ['POST'] }
            { matchVariable: 'RequestHeader', selector: 'Authorization', operator: 'Any', negateCondition: true, matchValue: [] }
            { matchVariable: 'RequestUri', operator: 'RegEx', negateCondition: true, matchValue: [readByPost], transforms: ['Lowercase'] }
          ]
          action: 'Block'
        }
        {
          // The host reads bodies of every method, and no client sends one with GET.
          name: 'anonymousBodies'
          enabledState: 'Enabled'
          priority: 120
          ruleType: 'RateLimitRule'
          rateLimitDurationInMinutes: 5
          rateLimitThreshold: anonymousBodies
          matchConditions: [
            { matchVariable: 'RequestMethod', operator: 'Equal', negateCondition: true, matchValue: ['POST'] }
            { matchVariable: 'RequestHeader', selector: 'Authorization', operator: 'Any', negateCondition: true, matchValue: [] }
            { matchVariable: 'RequestHeader', selector: 'Content-Length', operator: 'Any', negateCondition: false, matchValue: [] }
            { matchVariable: 'RequestHeader', selector: 'Content-Length', operator: 'Equal', negateCondition: true, matchValue: ['0'] }
          ]
          action: 'Block'
        }
        {
          name: 'largeElsewhere'
          enabledState: 'Enabled'
          priority: 200
          ruleType: 'MatchRule'
          matchConditions: concat(isLarge, [
            { matchVariable: 'RequestUri', operator: 'RegEx', negateCondition: true, matchValue: [uploads], transforms: ['Lowercase'] }
          ])
          action: 'Block'
        }
        {
          name: 'largeByOtherMethods'
          enabledState: 'Enabled'
          priority: 210
          ruleType: 'MatchRule'
          matchConditions: concat(isLarge, [
            { matchVariable: 'RequestMethod', operator: 'Equal', negateCondition: true, matchValue: ['POST', 'PUT'] }
          ])
          action: 'Block'
        }
        {
          // It sees what a request claims, and not whether the token is valid.
          name: 'largeWithoutToken'
          enabledState: 'Enabled'
          priority: 220
          ruleType: 'MatchRule'
          matchConditions: concat(isLarge, [
            { matchVariable: 'RequestHeader', selector: 'Authorization', operator: 'Any', negateCondition: true, matchValue: [] }
          ])
          action: 'Block'
        }
        {
          // The host parses no body that begins as a form or as an archive does.
          name: 'largeAndNoArchive'
          enabledState: 'Enabled'
          priority: 230
          ruleType: 'MatchRule'
          matchConditions: concat(isLarge, [
            { matchVariable: 'RequestBody', operator: 'BeginsWith', negateCondition: true, matchValue: ['--', 'PK'] }
          ])
          action: 'Block'
        }
      ]
    }
  }
}

resource guarded 'Microsoft.Cdn/profiles/securityPolicies@2026-10-01' = {
  parent: profile
  name: 'pace'
  properties: {
    parameters: {
      type: 'WebApplicationFirewall'
      wafPolicy: { id: firewall.id }
      associations: [
        {
          domains: concat([{ id: endpoint.id }], empty(domain) ? [] : [{ id: ownDomain.id }])
          patternsToMatch: ['/*']
        }
      ]
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: profile
  name: 'ballroom'
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'FrontDoorAccessLog', enabled: logRequests }
      { category: 'FrontDoorWebApplicationFirewallLog', enabled: true }
    ]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Public address of the endpoint.')
output url string = 'https://${endpoint.properties.hostName}'
