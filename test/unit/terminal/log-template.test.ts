import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { compileTemplate } from '../../../src/terminal/log-template.ts';
import { parseStructured } from '../../../src/terminal/parse-structured.ts';

const line = '{"level":30,"time":1,"msg":"hello","req":{"url":"/a"},"n":2}';
const log = {
  type: 'log',
  source: 'web',
  namespace: 'storm',
  pod: 'web-1',
  container: 'main',
  stamp: '2026-01-01T00:00:00.000000001Z',
  line,
} as const;

function fill(template: string, text: string = line): string {
  const structured = parseStructured(text);
  const values = { log: { ...log, line: text }, structured, level: structured?.level, time: 'now' };
  return compileTemplate(template)(values, (value) => value);
}

test('a template is filled in with what is known of a line', () => {
  assert.equal(fill('{{service}} {{ .level }}: {{message}}'), 'web info: hello');
  assert.equal(fill('{{source}}/{{namespace}}/{{pod}}/{{container}} {{time}}'), 'web/storm/web-1/main now');
  assert.equal(fill('{{line}}'), line);
  assert.equal(fill('a\\tb\\nc\\\\n'), 'a\tb\nc\\n');
});

test('fields are told by name, all of them, and as JSON', () => {
  assert.equal(fill('{{fields.n}} {{fields.req.url}} {{fields.req}} {{fields.none}}|'), '2 /a url=/a |');
  assert.equal(fill('{{fields}}'), 'req.url=/a n=2');
  assert.equal(fill('{{json fields}} {{json message}} {{json fields.none}}'), '{"req.url":"/a","n":2} "hello" null');
});

test('a line that is not structured is its own message', () => {
  assert.equal(fill('{{level}}|{{message}}|{{fields}}', 'text'), '|text|');
});

for (const [template, message, character] of [
  ['{{pod}} {{podd}}', /there is no \{\{podd\}\}/, 9],
  ['a {{pod', /never closed/, 3],
  ['{{}}', /there is no name/, 1],
  ['{{fields.}} {{toString}}', /./, 13],
] as const)
  test(`${template} is refused with its place and the names that there are`, () => {
    assert.throws(
      () => compileTemplate(template),
      (error) => {
        assert.ok(error instanceof Failure && error.kind === 'usage');
        assert.match(error.message, message);
        assert.equal(error.where, `--template, character ${character}`);
        assert.match(error.next ?? '', /service, source, namespace, pod, .*fields\.NAME/);
        return true;
      },
    );
  });
