// The workbook that docs/run/azure/monitoring.md reads. Its pages are in infra/workbook.json.

@description('Name of the environment, of which a resource group may have several.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Workspace that it asks.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'ballroom', environmentName)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Ballroom ${environmentName}'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(loadJsonContent('../workbook.json'))
  }
}
