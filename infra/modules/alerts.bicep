// What wakes somebody. docs/run/azure/monitoring.md says of each what it means and what to do.

@description('What the names end with.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Workspace that the rules ask.')
param workspaceId string

@description('Application Insights component that the tests from outside belong to.')
param insightsName string

@description('Mailbox to send to; empty for no alerts.')
param email string

@description('Public address of the registry.')
param url string

@description('Whether everybody may call it: the addresses that Azure asks from are not named.')
param isPublic bool

@description('Whether an app of its own takes archives, which is then asked as well.')
param hasUploads bool

var rules = [
  {
    name: 'error-rate'
    description: 'More than one request in a hundred failed within a quarter of an hour.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.request.duration"
| summarize requests = sum(ItemCount), failed = sumif(ItemCount, toint(Properties.status) >= 500)
| where requests >= 50 and failed > 0.01 * requests
'''
  }
  {
    name: 'latency-p95'
    description: 'One answer in twenty took longer than a second, pushes left aside.'
    severity: 2
    frequency: 'PT5M'
    window: 'PT15M'
    operator: 'GreaterThan'
    query: '''
AppTraces
| where Message has "request" and Message has "seconds"
| extend line = parse_json(Message)
| where tostring(line.event) == "request" and todouble(line.seconds) > 1
| where tostring(line.operation) !in ("central_push", "maven_write")
| summarize slow = sum(coalesce(tolong(line.stands_for), 1))
| extend requests = toscalar(AppMetrics | where Name == "ballroom.request.duration" | summarize sum(ItemCount))
| where requests >= 200 and slow > 0.05 * requests
'''
  }
  {
    name: 'database-throttled'
    description: 'Cosmos DB refused more than one request in a hundred for want of request units (429).'
    severity: 2
    frequency: 'PT5M'
    window: 'PT15M'
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.cosmos.answers"
| summarize answers = sum(Sum), throttled = sumif(Sum, toint(Properties.status) == 429)
| where answers >= 100 and throttled > 0.01 * answers
'''
  }
  {
    name: 'task-failed'
    description: 'A maintenance task failed.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.upkeep.duration"
| where tostring(Properties.result) == "failed"
'''
  }
  // Queries name a task also by its id in the previous version, so that an upgrade triggers nothing.
  {
    name: 'timer-silent'
    description: 'The task that the timer runs every minute did not succeed for half an hour.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT30M'
    operator: 'LessThanOrEqual'
    query: '''
AppMetrics
| where Name == "ballroom.upkeep.duration"
| where tostring(Properties.task) == "process-outboxes" and tostring(Properties.result) != "failed"
'''
  }
  {
    name: 'integrity-drift'
    description: 'The nightly audit found an archive that is not what its record says.'
    severity: 0
    frequency: 'PT1H'
    window: 'P1D'
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.upkeep.problems"
| where tostring(Properties.task) == "audit-archives" and Sum > 0
'''
  }
  {
    name: 'nightly-missed'
    description: 'For a day the task create-snapshot, delete-orphaned-archives or audit-archives did not complete.'
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.upkeep.duration"
| where tostring(Properties.result) in ("done", "problems")
| extend task = tostring(Properties.task)
| where task in ("create-snapshot", "delete-orphaned-archives", "audit-archives")
| summarize tasks = dcount(task)
| where tasks < 3
'''
  }
  {
    name: 'search-old'
    description: 'The index of an instance was last compared with the change feed more than half an hour ago.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT15M'
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.search.age"
| where Sum > 1800 * ItemCount
'''
  }
]

// Asked from outside, every few minutes.
var probes = [
  {
    name: 'not-ready'
    description: 'The registry does not answer, or cannot reach its stores.'
    path: '/health/ready'
    severity: 0
    seconds: 300
    window: 'PT15M'
    daysOfCertificate: 1
    places: ['emea-nl-ams-azr', 'us-va-ash-azr', 'apac-sg-sin-azr']
    failing: 2
  }
  {
    name: 'certificate'
    description: 'The certificate ends within a fortnight, or is not valid.'
    path: '/health/live'
    severity: 1
    seconds: 900
    window: 'PT30M'
    daysOfCertificate: 14
    places: ['emea-nl-ams-azr']
    failing: 1
  }
  {
    name: 'uploads-not-ready'
    description: 'The app for uploads does not answer, or cannot reach its stores: nobody can push.'
    path: '/health/ready?app=uploads'
    severity: 1
    seconds: 900
    window: 'PT1H'
    daysOfCertificate: 1
    places: ['emea-nl-ams-azr']
    failing: 1
  }
]

// Where nobody is told, nothing is asked: rules and probes cost the same, and probes keep the app awake.
var rulesAsked = empty(email) ? [] : rules
var probesSent = (empty(email) || !isPublic) ? [] : filter(probes, probe => hasUploads || probe.name != 'uploads-not-ready')

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-ballroom-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'ballroom'
    enabled: true
    emailReceivers: empty(email) ? [] : [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource asked 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for rule in rulesAsked: {
  name: 'alert-${rule.name}-${name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Ballroom: ${rule.name}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    // Tables come with their first row: a new installation has none of them yet.
    skipQueryValidation: true
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: rule.operator
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]

resource tests 'Microsoft.Insights/webtests@2022-06-15' = [for probe in probesSent: {
  name: 'test-${probe.name}-${name}'
  location: location
  tags: union(tags, { 'hidden-link:${insights.id}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'test-${probe.name}-${name}'
    Name: 'Ballroom: ${probe.name}'
    Description: probe.description
    Enabled: true
    Frequency: probe.seconds
    Timeout: 60
    Kind: 'standard'
    RetryEnabled: true
    Locations: map(probe.places, place => { Id: place })
    Request: {
      RequestUrl: '${url}${probe.path}'
      HttpVerb: 'GET'
      ParseDependentRequests: false
      FollowRedirects: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: probe.daysOfCertificate
    }
  }
}]

resource watched 'Microsoft.Insights/metricAlerts@2026-01-01' = [for (probe, place) in probesSent: {
  name: 'alert-${probe.name}-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: probe.description
    severity: probe.severity
    enabled: true
    scopes: [tests[place].id, insights.id]
    evaluationFrequency: 'PT5M'
    windowSize: probe.window
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: tests[place].id
      componentId: insights.id
      failedLocationCount: probe.failing
    }
    actions: [{ actionGroupId: people.id }]
  }
}]
