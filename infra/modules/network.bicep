// A network that the stores are in and the internet is not. Whoever works on the stores by hand then
// does it from inside.

@description('What the names end with.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the network.')
param networkName string

@description('What goes out has one address, by a NAT gateway.')
param natGateway bool

@description('Addresses of the network: a /24 or wider.')
param addresses string = '10.71.0.0/24'

@description('Storage account of the Functions host.')
param hostStorageId string

@description('Storage account of the registry.')
param registryStorageId string

@description('Cosmos DB account.')
param cosmosId string

@description('What the name of its private endpoint has in its middle.')
param cosmosEndpointName string

@description('Key vault.')
param vaultId string

var zones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.documents.azure.com'
  'privatelink.vaultcore.azure.net'
]

// `zone` is the place of its zone above.
var doors = [
  { name: 'host-blob', id: hostStorageId, group: 'blob', zone: 0 }
  { name: 'host-queue', id: hostStorageId, group: 'queue', zone: 1 }
  { name: 'host-table', id: hostStorageId, group: 'table', zone: 2 }
  { name: 'registry-blob', id: registryStorageId, group: 'blob', zone: 0 }
  { name: cosmosEndpointName, id: cosmosId, group: 'Sql', zone: 3 }
  { name: 'vault', id: vaultId, group: 'vault', zone: 4 }
]

resource guard 'Microsoft.Network/networkSecurityGroups@2026-03-01' = {
  name: 'nsg-ballroom-${name}'
  location: location
  tags: tags
  properties: { securityRules: [] }
}

resource address 'Microsoft.Network/publicIPAddresses@2026-03-01' = if (natGateway) {
  name: 'pip-ballroom-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2026-03-01' = if (natGateway) {
  name: 'nat-ballroom-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIpAddresses: [{ id: address.id }] }
}

// How a subnet reaches the internet is said, since it is not the same in all versions of its type: from one of
// 2025 on it does not, unless somebody says how.
var wayOut = union({ defaultOutboundAccess: !natGateway }, natGateway ? { natGateway: { id: gateway.id } } : {})
var delegations = [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]

resource network 'Microsoft.Network/virtualNetworks@2026-03-01' = {
  name: networkName
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addresses] }
    subnets: [
      {
        name: 'functions'
        properties: union(wayOut, {
          addressPrefix: cidrSubnet(addresses, 26, 0)
          networkSecurityGroup: { id: guard.id }
          delegations: delegations
        })
      }
      {
        name: 'functions-reads'
        properties: union(wayOut, {
          addressPrefix: cidrSubnet(addresses, 26, 2)
          networkSecurityGroup: { id: guard.id }
          delegations: delegations
        })
      }
      {
        name: 'functions-uploads'
        properties: union(wayOut, {
          addressPrefix: cidrSubnet(addresses, 26, 3)
          networkSecurityGroup: { id: guard.id }
          delegations: delegations
        })
      }
      {
        name: 'stores'
        properties: union(wayOut, {
          addressPrefix: cidrSubnet(addresses, 26, 1)
          networkSecurityGroup: { id: guard.id }
        })
      }
    ]
  }
}

resource names 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in zones: {
  name: zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zone, place) in zones: {
  parent: names[place]
  name: 'ballroom'
  location: 'global'
  tags: tags
  properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2026-03-01' = [for door in doors: {
  name: 'pe-${door.name}-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: '${network.id}/subnets/stores' }
    privateLinkServiceConnections: [
      #disable-next-line use-resource-id-functions // The ids of `doors` are parameters.
      { name: door.name, properties: { privateLinkServiceId: door.id, groupIds: [door.group] } }
    ]
  }
}]

resource registered 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2026-03-01' = [for (door, place) in doors: {
  parent: endpoints[place]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      { name: door.group, properties: { privateDnsZoneId: names[door.zone].id } }
    ]
  }
}]
