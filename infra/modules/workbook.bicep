// The workbook that docs/run/azure/monitoring.md reads. Its pages are in infra/workbook.json.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Workspace that it asks.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'ballroom')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Ballroom'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(loadJsonContent('../workbook.json'))
  }
}
