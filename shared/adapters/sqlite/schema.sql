-- The schema of `ballroom.db` as the steps that made it. A step is never changed; add one below.

-- Step 1: records
CREATE TABLE heads (
    pk TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    revision INTEGER NOT NULL,
    stamp INTEGER NOT NULL DEFAULT 0,  -- The highest of the package's entries.
    waiting_since INTEGER              -- Time of the oldest event in the outbox.
);
CREATE TABLE releases (
    pk TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    revision INTEGER NOT NULL,
    waiting_since INTEGER,
    PRIMARY KEY (pk, version)
);
CREATE INDEX releases_by_digest ON releases (digest);
CREATE INDEX heads_waiting ON heads (waiting_since) WHERE waiting_since IS NOT NULL;
CREATE INDEX releases_waiting ON releases (waiting_since) WHERE waiting_since IS NOT NULL;
CREATE TABLE entries (
    pk TEXT NOT NULL,
    version TEXT NOT NULL,
    stamp INTEGER NOT NULL,  -- Consecutive in its package: what changed since is a range.
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (pk, version)
);
CREATE UNIQUE INDEX entries_changed ON entries (pk, stamp);
CREATE TABLE tools (id TEXT PRIMARY KEY, org TEXT NOT NULL, name TEXT NOT NULL);

CREATE TABLE texts (digest TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE graphs (digest TEXT PRIMARY KEY, body BLOB NOT NULL);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name_key TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE TABLE organizations (key TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE memberships (
    org TEXT NOT NULL,
    account TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (org, account)
);
CREATE INDEX of_account ON memberships (account);
CREATE TABLE tokens (
    owner TEXT NOT NULL,
    hash TEXT NOT NULL,
    id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (owner, hash),
    UNIQUE (owner, id)
);
CREATE INDEX tokens_expiring ON tokens (expires_ms) WHERE expires_ms IS NOT NULL;

-- Nothing is ever deleted here, so the next number is always the highest plus one.
CREATE TABLE events (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);

CREATE TABLE work (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX work_expiring ON work (expires_ms);
CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until_ms INTEGER NOT NULL);

-- By window first: new rows go to the end, and old windows are deleted as one range.
CREATE TABLE pull_guards (
    window INTEGER NOT NULL,
    pk TEXT NOT NULL,
    version TEXT NOT NULL,
    caller TEXT NOT NULL,
    PRIMARY KEY (window, pk, version, caller)
) WITHOUT ROWID;
CREATE TABLE pull_counts (
    pk TEXT NOT NULL,
    version TEXT NOT NULL,
    day TEXT NOT NULL,
    pulls INTEGER NOT NULL,
    pending INTEGER NOT NULL,  -- Those of them that the head does not count yet.
    PRIMARY KEY (pk, version, day)
) WITHOUT ROWID;
CREATE INDEX pull_counts_pending ON pull_counts (pk) WHERE pending > 0;

-- Step 2: bills of materials
CREATE TABLE sboms (digest TEXT PRIMARY KEY, body BLOB NOT NULL);

-- Step 3: one table of entities, logs, counters

-- Accounts, organizations, memberships and tokens become entities of one table. Their events are
-- in the feed already, so their outboxes are emptied.
CREATE TABLE entities (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    subject TEXT,
    revision INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,  -- Waits for its events to be published, then goes.
    waiting_since INTEGER,
    ends_ms INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, owner, key)
);
CREATE INDEX entities_about ON entities (kind, subject) WHERE subject IS NOT NULL;
CREATE INDEX entities_ending ON entities (ends_ms) WHERE ends_ms IS NOT NULL;
CREATE INDEX entities_waiting ON entities (waiting_since) WHERE waiting_since IS NOT NULL;
INSERT INTO entities (kind, owner, key, revision, body)
SELECT 'account', id, '', 1, json_set(body, '$.revision', 1, '$.outbox', json('[]'))
FROM accounts;
INSERT INTO entities (kind, owner, key, revision, body)
SELECT 'account-name', 'name-' || name_key, '', 1,
    json_object('name', body ->> '$.name', 'account', id, 'created_ms', body -> '$.created_ms')
FROM accounts;
INSERT INTO entities (kind, owner, key, revision, body)
SELECT 'organization', key, '', 1, json_set(
    body, '$.revision', 1, '$.outbox', json('[]'), '$.id', lower(hex(randomblob(5)))
)
FROM organizations;
INSERT INTO entities (kind, owner, key, subject, revision, body)
SELECT 'membership', org, account, account, 1, body FROM memberships;
INSERT INTO entities (kind, owner, key, subject, revision, ends_ms, body)
SELECT 'token', owner, hash, id, 1, expires_ms, body FROM tokens;
INSERT INTO entities (kind, owner, key, revision, ends_ms, body)
SELECT 'token-use', owner, id, 1, expires_ms,
    json_object('owner', owner, 'token', id, 'used_ms', body -> '$.last_used_ms')
FROM tokens WHERE body ->> '$.last_used_ms' IS NOT NULL;
DROP TABLE accounts;
DROP TABLE organizations;
DROP TABLE memberships;
DROP TABLE tokens;

CREATE TABLE event_streams (
    stream TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (stream, number)
) WITHOUT ROWID;
-- Events of packages are in the audit log of their organization.
INSERT INTO event_streams (stream, number)
SELECT 'org:' || lower(substr(subject, 1, instr(subject, '/') - 1)), number
FROM (SELECT body ->> '$.subject' AS subject, number FROM events)
WHERE instr(subject, '/') > 1;

CREATE TABLE counters (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    total INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX counters_expiring ON counters (expires_ms);

CREATE INDEX events_with_origin ON events (number)
WHERE (body ->> '$.address') || (body ->> '$.credential') <> '';

-- Step 4: accounts by mail address

-- Administrators are found together, and others by their mail address.
UPDATE entities SET subject = nullif(
    iif(body ->> '$.administrator', 'administrators', lower(body ->> '$.email')), ''
) WHERE kind = 'account';

-- Step 5: rendered texts
CREATE TABLE renderings (
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (digest, name)
) WITHOUT ROWID;

-- Step 6: API documentation
CREATE TABLE api_docs (
    digest TEXT PRIMARY KEY,
    generator INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE api_docs_modules (
    digest TEXT NOT NULL,
    module TEXT NOT NULL,
    body BLOB NOT NULL,  -- A gzip file.
    PRIMARY KEY (digest, module)
);

-- Step 7: API documentation in files

-- They are files of pieces now, which are made again of each archive.
DROP TABLE api_docs_modules;
DELETE FROM api_docs;

-- Step 8: changes of packages

-- Which packages changed, and in what order: a process reads those after the last that it knows.
-- The table has a row for each package, whose number is the highest of all when the package
-- changes.
CREATE TABLE package_changes (number INTEGER PRIMARY KEY, pk TEXT NOT NULL UNIQUE);
CREATE TRIGGER heads_INSERT AFTER INSERT ON heads BEGIN
    INSERT INTO package_changes (pk) VALUES (new.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER heads_UPDATE AFTER UPDATE ON heads BEGIN
    INSERT INTO package_changes (pk) VALUES (new.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER heads_DELETE AFTER DELETE ON heads BEGIN
    INSERT INTO package_changes (pk) VALUES (old.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER releases_INSERT AFTER INSERT ON releases BEGIN
    INSERT INTO package_changes (pk) VALUES (new.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER releases_UPDATE AFTER UPDATE ON releases BEGIN
    INSERT INTO package_changes (pk) VALUES (new.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER releases_DELETE AFTER DELETE ON releases BEGIN
    INSERT INTO package_changes (pk) VALUES (old.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER entries_INSERT AFTER INSERT ON entries BEGIN
    INSERT INTO package_changes (pk) VALUES (new.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER entries_UPDATE AFTER UPDATE ON entries BEGIN
    INSERT INTO package_changes (pk) VALUES (new.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;
CREATE TRIGGER entries_DELETE AFTER DELETE ON entries BEGIN
    INSERT INTO package_changes (pk) VALUES (old.pk)
    ON CONFLICT (pk) DO UPDATE SET number = (SELECT max(number) + 1 FROM package_changes);
END;

-- Step 9: pulls in heads

-- Heads count pulls at once now, and `pending` are those that the search does not know yet.
UPDATE heads SET body = json_set(body, '$.pulls', (body ->> '$.pulls') + counted.pulls)
FROM (SELECT pk, sum(pending) AS pulls FROM pull_counts WHERE pending > 0 GROUP BY pk)
AS counted WHERE heads.pk = counted.pk;

-- Step 10: changes of records

-- The same of what says who may do what, by its owner.
ALTER TABLE package_changes RENAME TO changes;
ALTER TABLE changes RENAME COLUMN pk TO key;
CREATE TRIGGER entities_INSERT AFTER INSERT ON entities
WHEN new.kind IN ('account', 'organization', 'membership', 'token') BEGIN
    INSERT INTO changes (key) VALUES ('@' || new.owner)
    ON CONFLICT (key) DO UPDATE SET number = (SELECT max(number) + 1 FROM changes);
END;
CREATE TRIGGER entities_UPDATE AFTER UPDATE ON entities
WHEN new.kind IN ('account', 'organization', 'membership', 'token') BEGIN
    INSERT INTO changes (key) VALUES ('@' || new.owner)
    ON CONFLICT (key) DO UPDATE SET number = (SELECT max(number) + 1 FROM changes);
END;
CREATE TRIGGER entities_DELETE AFTER DELETE ON entities
WHEN old.kind IN ('account', 'organization', 'membership', 'token') BEGIN
    INSERT INTO changes (key) VALUES ('@' || old.owner)
    ON CONFLICT (key) DO UPDATE SET number = (SELECT max(number) + 1 FROM changes);
END;

-- Step 11: no lineage of tokens

-- What was created with tokens, and which tokens were stolen, is no longer recorded.
DELETE FROM entities WHERE kind IN ('made-by-token', 'stolen-token');
DELETE FROM entities WHERE kind = 'token' AND body ->> '$.canary';

-- Step 12: versions that differ in case

-- The version in lower case claims it: of versions that differ in case alone one is published. Of
-- those that were before, the first has the claim; the others have none, and stay.
ALTER TABLE releases ADD COLUMN version_key TEXT;
UPDATE releases SET version_key = lower(version) WHERE rowid IN (
    SELECT min(rowid) FROM releases GROUP BY pk, lower(version)
);
CREATE UNIQUE INDEX releases_by_version_key ON releases (pk, version_key);

-- Step 13: the log of each package, and what events say of people

INSERT INTO event_streams (stream, number)
SELECT 'package:' || lower(substr(subject, 1, instr(subject || ':', ':') - 1)), number
FROM (SELECT body ->> '$.subject' AS subject, body ->> '$.kind' AS kind, number FROM events)
WHERE kind LIKE 'release.%' OR kind LIKE 'package.%';

-- Whether an event has something to anonymize. Of those that there are nobody knows, so each is
-- looked at once.
ALTER TABLE events ADD COLUMN personal INTEGER NOT NULL DEFAULT 1;
DROP INDEX events_with_origin;
CREATE INDEX events_personal ON events (number) WHERE personal;
-- Pages of earlier versions have bytes of deleted records, which wait to be overwritten.
INSERT INTO work (kind, key, value, expires_ms)
VALUES ('deleted-bytes', 'database', '', 9223372036854775807);

-- Step 14: the record of pulls

-- Each pull once in its window of ten minutes. The first index also finds who pulled a version.
CREATE TABLE pull_records (
    number INTEGER PRIMARY KEY,
    org TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    version TEXT NOT NULL,
    window INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    principal TEXT NOT NULL,
    credential TEXT NOT NULL,
    job TEXT NOT NULL,
    network TEXT NOT NULL
);
CREATE UNIQUE INDEX pull_records_once ON pull_records (
    org, name, version, window, principal, credential, job, network
);
CREATE INDEX pull_records_of_org ON pull_records (org, at_ms);

-- Step 15: leaves of the transparency log

-- The bytes by which the transparency log holds an event, and of a commitment the salt and what it
-- commits to. Of earlier events they are computed by the task `freeze-leaves`.
ALTER TABLE events ADD COLUMN leaf BLOB;
ALTER TABLE events ADD COLUMN salt BLOB;
ALTER TABLE events ADD COLUMN opening BLOB;
CREATE INDEX events_without_leaf ON events (number) WHERE leaf IS NULL;

-- Step 16: attestations of archives

-- Statements of the registry and Sigstore bundles.
CREATE TABLE attestations (
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (digest, name)
) WITHOUT ROWID;

-- The files of imported sets of advisories.
CREATE TABLE advisory_files (
    name TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
);

-- Advisories are kept in memory until one of them changes, whoever wrote it.
CREATE TRIGGER advisories_INSERT AFTER INSERT ON entities
WHEN new.kind IN ('advisory', 'advisory-set') BEGIN
    INSERT INTO changes (key) VALUES ('@' || new.owner)
    ON CONFLICT (key) DO UPDATE SET number = (SELECT max(number) + 1 FROM changes);
END;
CREATE TRIGGER advisories_UPDATE AFTER UPDATE ON entities
WHEN new.kind IN ('advisory', 'advisory-set') BEGIN
    INSERT INTO changes (key) VALUES ('@' || new.owner)
    ON CONFLICT (key) DO UPDATE SET number = (SELECT max(number) + 1 FROM changes);
END;
CREATE TRIGGER advisories_DELETE AFTER DELETE ON entities
WHEN old.kind IN ('advisory', 'advisory-set') BEGIN
    INSERT INTO changes (key) VALUES ('@' || old.owner)
    ON CONFLICT (key) DO UPDATE SET number = (SELECT max(number) + 1 FROM changes);
END;

-- Step 17: encrypted secrets of webhooks

-- The start encrypts the secrets that earlier versions stored in clear, and overwrites their bytes.
-- An update in one write with the mark that bytes are left: whatever ends the process, a later run
-- overwrites them.
CREATE TRIGGER webhooks_UPDATE AFTER UPDATE ON entities
WHEN old.kind = 'webhook' AND coalesce(old.body ->> '$.secret', '') <> '' BEGIN
    INSERT OR REPLACE INTO work (kind, key, value, expires_ms)
    VALUES ('deleted-bytes', 'database', 'webhook-' || hex(randomblob(8)), 9223372036854775807);
END;
-- Webhooks that were removed or rotated left bytes as well.
INSERT OR REPLACE INTO work (kind, key, value, expires_ms)
SELECT 'deleted-bytes', 'database', 'webhook-' || hex(randomblob(8)), 9223372036854775807
WHERE EXISTS (
    SELECT 1 FROM entities WHERE kind = 'webhook' OR kind = 'addition-count' AND key = 'webhook'
);
