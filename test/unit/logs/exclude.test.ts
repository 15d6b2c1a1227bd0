import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterFor } from '../../../src/logs/exclude.ts';

const json = '{"level":30,"msg":"paid","order":{"id":7}}';
const shown = (line: string) => (line === json ? 'INFO  paid order.id=7' : undefined);

test('a pattern means a line as it is written and as it is shown, whether it keeps it or leaves it out', () => {
  for (const pattern of [/"id":7/, /^INFO {2}paid/, /order\.id=7$/]) {
    const keeps = filterFor({ exclude: [], include: [pattern], shown }, 'web', 'main');
    assert.deepEqual([keeps.leavesOut(json), keeps.leavesOut('other')], [false, true], `${pattern}`);
    const rule = { service: undefined, container: undefined, match: pattern };
    const drops = filterFor({ exclude: [rule], shown }, 'web', 'main');
    assert.deepEqual([drops.leavesOut(json), drops.leavesOut('other')], [true, false], `${pattern}`);
  }
  assert.ok(filterFor({ exclude: [], include: [/INFO/] }, 'web', 'main').leavesOut(json));
});

test('what is shown is asked for only where it can change something', () => {
  let asked = 0;
  const counted = (line: string) => {
    asked++;
    return shown(line);
  };
  assert.equal(filterFor({ exclude: [], shown: counted }, 'web', 'main').leavesOut(json), false);
  assert.equal(filterFor({ exclude: [], include: [/paid/], shown: counted }, 'web', 'main').leavesOut(json), false);
  assert.equal(asked, 0);
});
