import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readReportSchema, violations } from '../support/report-schema.ts';

const time = '2026-01-01T00:00:00.000Z';

test('docs/report.schema.json is what the types of the reports give', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/report-schema.mjs', '--print']);
  const isSame = stdout === readFileSync('docs/report.schema.json', 'utf8');
  assert.ok(isSame, 'src/events.ts was changed: run `npm run schema`, and tell of the change in docs/json.md');
});

test('docs/json.md explains every type of report', () => {
  const text = readFileSync('docs/json.md', 'utf8');
  const types = readReportSchema().$defs['report']?.oneOf?.map(({ properties }) => properties?.['type']?.const) ?? [];
  assert.ok(types.length > 30);
  assert.deepEqual(
    types.filter((type) => !text.includes(`\`${String(type)}\``)),
    [],
  );
});

test('a report that is not as the schema says is found out', () => {
  const schema = readReportSchema();
  const log = {
    version: 1,
    time,
    type: 'log',
    source: 's',
    namespace: 'n',
    pod: 'p',
    container: 'c',
    stamp: time,
    line: 'l',
  };
  assert.deepEqual(violations(schema, log), []);
  assert.deepEqual(violations(schema, { ...log, line: 1 }), ['log.line: no string']);
  assert.deepEqual(violations(schema, { ...log, more: 1 }), ['log.more is not in the schema']);
  assert.deepEqual(
    violations(schema, { version: 1, time, type: 'deploy.deleted', object: { kind: 'Pod', name: 'p' } }),
    ['deploy.deleted.object: no apiVersion'],
  );
  assert.deepEqual(violations(schema, { version: 1, time, type: 'failed', kind: 'odd', message: 'm' }), [
    'failed.kind: odd is none of the values',
  ]);
  assert.deepEqual(violations(schema, { version: 1, time, type: 'unheard.of' }), ['no report type unheard.of']);
});
