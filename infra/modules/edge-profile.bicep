// The profile of Front Door and its identity, which roles.bicep lets read public blobs before edge.bicep
// sends anybody to them.

@description('What the name ends with.')
param name string

@description('Tags of every resource.')
param tags object

resource profile 'Microsoft.Cdn/profiles@2025-06-01' = {
  name: 'afd-ballroom-${name}'
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  identity: { type: 'SystemAssigned' }
  properties: { originResponseTimeoutSeconds: 230 }
}

@description('Name of the profile.')
output name string = profile.name

@description('Object id of the identity of the profile.')
output principalId string = profile.identity.principalId

@description('Id that Front Door names itself by to the app.')
output frontDoorId string = profile.properties.frontDoorId
