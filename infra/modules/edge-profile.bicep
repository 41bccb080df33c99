// The profile of Front Door and its identity, which roles.bicep lets read public blobs before edge.bicep
// sends anybody to them.

@description('Name of the profile.')
param name string

@description('Tags of every resource.')
param tags object

resource profile 'Microsoft.Cdn/profiles@2026-10-01' = {
  name: name
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  identity: { type: 'SystemAssigned' }
  properties: { originResponseTimeoutSeconds: 230 }
}

@description('Object id of the identity of the profile.')
output principalId string = profile.identity.principalId

@description('Id that Front Door names itself by to the app.')
output frontDoorId string = profile.properties.frontDoorId
