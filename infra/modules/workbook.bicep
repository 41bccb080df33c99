// The workbook that docs/run/azure/monitoring.md reads. Its pages are in infra/workbook.json.

@description('Name of the environment, of which a resource group may have several.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Workspace that it asks.')
param workspaceId string

@description('Cosmos DB account, of which the workspace has not every metric.')
param cosmosName string

// Names in infra/workbook.json that stand for this installation.
var text = string(loadJsonContent('../workbook.json'))
var cosmosId = resourceId('Microsoft.DocumentDB/databaseAccounts', cosmosName)

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'ballroom', environmentName)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Ballroom ${environmentName}'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(replace(text, 'COSMOS_ID', cosmosId), 'GROUP_ID', resourceGroup().id)
  }
}
