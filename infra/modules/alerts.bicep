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

@description('Public address of the registry, whose certificate is checked.')
param url string

@description('Whether everybody may call it: the addresses that Azure asks from are not named.')
param isPublic bool

@description('Whether an app of its own takes archives, which is then asked as well.')
param hasUploads bool

@description('Address that Azure gives, which answers before a domain of its own does.')
param endpoint string

@description('Every function app: its name, and the most instances that it may have.')
param apps array

@description('Cosmos DB account.')
param cosmosName string

@description('Whether that account has a most of request units a second, which serverless has not.')
param hasThroughput bool

@description('Profile of Front Door; empty for none.')
param frontDoorName string

@description('What a month may cost, in the currency of the subscription; 0 for no budget.')
param monthlyBudget int

@description('First day of the month in which the budget was first deployed, such as 2026-11-01.')
param budgetStart string

// `asked` is how far back a query looks, where that is further than the window; Azure takes at most two days.
// `split` is the column of whose values each is an alert of its own.
var rules = [
  {
    name: 'error-rate'
    description: 'More than one request in a hundred failed within a quarter of an hour.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
    asked: ''
    split: ''
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
    asked: ''
    split: ''
    operator: 'GreaterThan'
    query: '''
AppTraces
| where Message has "request" and Message has "seconds"
| distinct Message
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
    asked: ''
    split: ''
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
    asked: ''
    split: ''
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.upkeep.duration"
| where tostring(Properties.result) == "failed"
'''
  }
  {
    name: 'timer-silent'
    description: 'The task that the timer runs every minute did not succeed for half an hour.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT30M'
    asked: ''
    split: ''
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
    asked: ''
    split: ''
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.upkeep.problems"
| where tostring(Properties.task) == "audit-archives" and Sum > 0
'''
  }
  {
    name: 'nightly-missed'
    description: 'For 26 hours the task create-snapshot, delete-orphaned-archives or audit-archives did not complete.'
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    asked: 'P2D'
    split: ''
    operator: 'GreaterThan'
    query: '''
let since = toscalar(AppMetrics | where Name == "ballroom.upkeep.duration" | summarize min(TimeGenerated));
AppMetrics
| where Name == "ballroom.upkeep.duration" and TimeGenerated > ago(26h)
| where tostring(Properties.result) in ("done", "problems", "read-only")
| extend task = tostring(Properties.task)
| where task in ("create-snapshot", "delete-orphaned-archives", "audit-archives")
| summarize tasks = dcount(task)
| where tasks < 3 and since < ago(26h)
'''
  }
  {
    name: 'task-stopped'
    description: 'A maintenance task did not complete for several times the time between its runs.'
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    asked: 'P2D'
    split: 'task'
    operator: 'GreaterThan'
    // Not every registry has an upstream, Entra ID, or archives to place: a task that never ran did not stop.
    query: '''
let runs = AppMetrics
| where Name == "ballroom.upkeep.duration"
| where tostring(Properties.result) in ("done", "problems", "read-only")
| summarize newest = max(TimeGenerated) by task = tostring(Properties.task);
let since = toscalar(AppMetrics | where Name == "ballroom.upkeep.duration" | summarize min(TimeGenerated));
datatable(task: string, within: timespan, always: bool) [
    "deliver-webhooks", 1h, true,
    "write-log", 1h, true,
    "notify-dependents", 1h, true,
    "follow-advisories", 2h, true,
    "tell-followers", 1h, true,
    "send-digests", 3h, true,
    "roll-up-pulls", 1h, true,
    "update-search-index", 1h, true,
    "freeze-leaves", 1h, true,
    "generate-api-docs", 2h, true,
    "delete-expired-records", 3h, true,
    "send-expiry-reminders", 3h, true,
    "erase-accounts", 3h, true,
    "sign-releases", 3h, true,
    "complete-event-logs", 3h, true,
    "count-usage", 3h, true,
    "apply-group-rules", 14h, true,
    "find-ownerless-organizations", 14h, true,
    "finish-deletions", 14h, true,
    "repair-derived-data", 26h, true,
    "remove-prereleases", 26h, true,
    "anonymize-events", 26h, true,
    "renew-sigstore-root", 26h, true,
    "lock-disabled-accounts", 26h, false,
    "check-mail-domains", 26h, false,
    "place-archives", 1h, false,
    "update-upstream-catalogue", 1h, false,
    "follow-upstream-withdrawals", 1h, false,
    "apply-mirror-rules", 3h, false,
    "update-advisories", 3h, false,
    "follow-releases", 26h, false
]
| join kind=leftouter runs on task
| where iff(always, coalesce(newest, since), newest) < ago(within)
| project task, newest
'''
  }
  {
    name: 'search-old'
    description: 'The search index of an instance was last checked more than half an hour ago.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT15M'
    asked: ''
    split: ''
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.search.age"
| where Sum > 1800 * ItemCount
'''
  }
  {
    name: 'log-errors'
    description: 'The log has a line of level error, or a warning that somebody has to look at.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT30M'
    asked: ''
    split: 'event'
    operator: 'GreaterThan'
    // The host keeps each line twice, and guesses its level from its words: what counts is in the line.
    query: '''
AppTraces
| where Message has "level" and Message has_any ("error", "keys.unavailable", "vault.unreadable", "mail.undelivered", "event.delayed", "edge.refused", "edge.without_identity", "links.without_key", "pulls.delayed")
| distinct Message
| extend line = parse_json(Message)
| extend event = tostring(line.event), level = tostring(line.level)
| where level == "error" or event in ("keys.unavailable", "vault.unreadable", "mail.undelivered", "event.delayed", "edge.refused", "edge.without_identity", "links.without_key", "pulls.delayed")
// It has a rule of its own: task-failed.
| where event != "upkeep.failed"
| project event
'''
  }
  {
    name: 'partition-large'
    description: 'A partition of Cosmos DB has more than 14 of the 20 GB that it may have.'
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    asked: ''
    split: ''
    operator: 'GreaterThan'
    query: '''
CDBPartitionKeyStatistics
| summarize kilobytes = max(SizeKb) by CollectionName, PartitionKey
| where kilobytes > 14 * 1024 * 1024
'''
  }
  {
    name: 'signing-key-old'
    description: 'A key of the registry was not rotated for more than 400 days.'
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    asked: ''
    split: ''
    operator: 'GreaterThan'
    query: '''
AppMetrics
| where Name == "ballroom.signing_key.age"
| where Sum > 400 * 86400 * ItemCount
'''
  }
  {
    name: 'logs-stopped'
    description: 'The workspace took its daily limit of logs, and drops what comes: no rule over logs sees anything.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT1H'
    asked: ''
    split: ''
    operator: 'GreaterThan'
    // The workspace writes this table itself, and no limit stops it.
    query: '''
_LogOperation
| where Category =~ "Ingestion"
| where Detail contains "OverQuota"
'''
  }
]

// What Azure counts itself, also while nothing of ours runs and no log is kept. For each app:
var appMetrics = [
  {
    name: 'platform-failed'
    description: 'An app gave more than twenty answers of 500 and above within a quarter of an hour, those of Azure itself included.'
    severity: 1
    metric: 'Http5xx'
    aggregation: 'Total'
    threshold: 20
    ofInstances: 0
  }
  {
    name: 'instances-used'
    description: 'An app had more than four fifths of the instances that it may have for a quarter of an hour.'
    severity: 2
    metric: 'InstanceCount'
    aggregation: 'Average'
    threshold: 0
    ofInstances: 80
  }
]

// Where there is Front Door:
var edgeMetrics = [
  {
    name: 'edge-failed'
    description: 'Front Door gave more than twenty answers of 500 and above within a quarter of an hour, its own included.'
    severity: 1
    metric: 'RequestCount'
    aggregation: 'Total'
    threshold: 20
    dimensions: [{ name: 'HttpStatusGroup', operator: 'Include', values: ['5XX'] }]
  }
]

// Where Cosmos DB has a most of request units:
var databaseMetrics = [
  {
    name: 'throughput-used'
    description: 'The busiest partition of Cosmos DB used more than four fifths of its request units for a quarter of an hour.'
    severity: 2
    metric: 'NormalizedRUConsumption'
    aggregation: 'Average'
    threshold: 80
    dimensions: []
  }
]

// Asked from outside, every few minutes.
var probes = [
  {
    name: 'not-ready'
    description: 'The registry does not answer, or cannot reach its stores.'
    address: endpoint
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
    address: url
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
    address: endpoint
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
var metricsAsked = empty(email) ? [] : concat(
  flatten(map(apps, app => map(appMetrics, each => {
    name: '${each.name}-${app.name}'
    description: each.description
    severity: each.severity
    scope: resourceId('Microsoft.Web/sites', app.name)
    metric: each.metric
    aggregation: each.aggregation
    threshold: (each.ofInstances > 0) ? app.maximumInstances * each.ofInstances / 100 : each.threshold
    dimensions: []
  }))),
  empty(frontDoorName) ? [] : map(edgeMetrics, each => union(each, {
    name: '${each.name}-${name}'
    scope: resourceId('Microsoft.Cdn/profiles', frontDoorName)
  })),
  !hasThroughput ? [] : map(databaseMetrics, each => union(each, {
    name: '${each.name}-${name}'
    scope: resourceId('Microsoft.DocumentDB/databaseAccounts', cosmosName)
  }))
)

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
  properties: union(empty(rule.asked) ? {} : { overrideQueryTimeRange: rule.asked }, {
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
          dimensions: empty(rule.split) ? [] : [{ name: rule.split, operator: 'Include', values: ['*'] }]
          operator: rule.operator
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  })
}]

resource counted 'Microsoft.Insights/metricAlerts@2026-01-01' = [for each in metricsAsked: {
  name: 'alert-${each.name}'
  location: 'global'
  tags: tags
  properties: {
    description: each.description
    severity: each.severity
    enabled: true
    scopes: [each.scope]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: each.metric
          metricName: each.metric
          timeAggregation: each.aggregation
          operator: 'GreaterThan'
          threshold: each.threshold
          dimensions: each.dimensions
          // A metric comes with its first value: a new resource has none yet.
          skipMetricValidation: true
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
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
      RequestUrl: '${probe.address}${probe.path}'
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

// Azure refuses another start of a budget that is there, and one in an earlier month for a new one.
resource budget 'Microsoft.Consumption/budgets@2024-08-01' = if (monthlyBudget > 0 && !empty(email)) {
  name: 'budget-ballroom-${name}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: '${budgetStart}T00:00:00Z' }
    notifications: {
      spent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 90
        thresholdType: 'Actual'
        contactEmails: [email]
        contactGroups: [people.id]
      }
      forecast: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 110
        thresholdType: 'Forecasted'
        contactEmails: [email]
        contactGroups: [people.id]
      }
    }
  }
}
