// A network that the stores are in and the internet is not. Whoever works on the stores by hand then
// does it from inside.

@description('What the names end with.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Addresses of the network: a /24 or wider.')
param addresses string = '10.71.0.0/24'

@description('Storage account of the Functions host.')
param hostStorageId string

@description('Storage account of the registry.')
param registryStorageId string

@description('Cosmos DB account.')
param cosmosId string

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
  { name: 'cosmos', id: cosmosId, group: 'Sql', zone: 3 }
  { name: 'vault', id: vaultId, group: 'vault', zone: 4 }
]

resource guard 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-ballroom-${name}'
  location: location
  tags: tags
  properties: { securityRules: [] }
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-ballroom-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addresses] }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: cidrSubnet(addresses, 26, 0)
          networkSecurityGroup: { id: guard.id }
          delegations: [
            { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'functions-reads'
        properties: {
          addressPrefix: cidrSubnet(addresses, 26, 2)
          networkSecurityGroup: { id: guard.id }
          delegations: [
            { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'functions-uploads'
        properties: {
          addressPrefix: cidrSubnet(addresses, 26, 3)
          networkSecurityGroup: { id: guard.id }
          delegations: [
            { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'stores'
        properties: {
          addressPrefix: cidrSubnet(addresses, 26, 1)
          networkSecurityGroup: { id: guard.id }
        }
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

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for door in doors: {
  name: 'pe-${door.name}-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: '${network.id}/subnets/stores' }
    privateLinkServiceConnections: [
      { name: door.name, properties: { privateLinkServiceId: door.id, groupIds: [door.group] } }
    ]
  }
}]

resource registered 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (door, place) in doors: {
  parent: endpoints[place]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      { name: door.group, properties: { privateDnsZoneId: names[door.zone].id } }
    ]
  }
}]

@description('Resource id of the subnet of the app.')
output functionsSubnetId string = '${network.id}/subnets/functions'

@description('Resource id of the subnet of the app for reads: the apps of one share its addresses.')
output readsSubnetId string = '${network.id}/subnets/functions-reads'

@description('Resource id of the subnet of the app for uploads.')
output uploadsSubnetId string = '${network.id}/subnets/functions-uploads'
