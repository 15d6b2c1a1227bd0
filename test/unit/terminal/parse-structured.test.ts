import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStructured } from '../../../src/terminal/parse-structured.ts';
import { allFields } from '../../../src/terminal/structured-line.ts';

/** What is read of a line, without what is not there. */
function read(line: string): Record<string, unknown> | undefined {
  const structured = parseStructured(line);
  if (structured === undefined) return undefined;
  const { all: _, levelText: __, stackFields: ___, before, ...parts } = structured;
  const told = Object.entries({
    ...parts,
    fields: Object.fromEntries(parts.fields),
    before: before || undefined,
  }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told);
}

test('pino: a level in numbers, no process and no host, the stack of its error apart', () => {
  assert.deepEqual(read('{"level":30,"time":1763719200000,"pid":1,"hostname":"web-1","reqId":"a1","msg":"started"}'), {
    level: 'info',
    message: 'started',
    fields: { reqId: 'a1' },
  });
  assert.deepEqual(
    read(
      '{"level":50,"time":1,"pid":1,"hostname":"x","err":{"type":"TypeError","message":"no","stack":"TypeError: no\\n    at a.js:1","code":"E1"},"msg":"failed"}',
    ),
    { level: 'error', message: 'failed', stack: 'TypeError: no\n    at a.js:1', fields: { 'err.code': 'E1' } },
  );
});

test('zap: seconds, a caller, a stack trace and an error in words', () => {
  assert.deepEqual(
    read(
      '{"level":"error","ts":1763719200.12,"logger":"db","caller":"db/pool.go:10","msg":"lost","error":"EOF","stacktrace":"main.main\\n\\tmain.go:3"}',
    ),
    {
      level: 'error',
      logger: 'db',
      message: 'lost',
      stack: 'main.main\n\tmain.go:3',
      fields: { caller: 'db/pool.go:10', error: 'EOF' },
    },
  );
});

test('zerolog, logrus and slog', () => {
  assert.deepEqual(read('{"level":"warn","error":"timeout","time":"2026-11-21T10:00:00Z","message":"slow"}'), {
    level: 'warn',
    message: 'slow',
    fields: { error: 'timeout' },
  });
  assert.deepEqual(read('time="2026-11-21T10:00:00Z" level=warning msg="two words" size=10 name="a \\"b\\""'), {
    level: 'warn',
    message: 'two words',
    fields: { size: '10', name: 'a "b"' },
  });
  assert.deepEqual(read('{"time":"2026-11-21T10:00:00Z","level":"INFO+2","msg":"hi","source":{"line":3}}'), {
    level: 'info',
    message: 'hi',
    fields: { source: { line: 3 } },
  });
});

test('NestJS: its own form, with and without colours, and its JSON', () => {
  const nest = { level: 'info', logger: 'NestFactory', message: 'Starting Nest application... +2ms', fields: {} };
  const line = '[Nest] 1  - 11/21/2026, 10:00:00 AM     LOG [NestFactory] Starting Nest application... +2ms';
  assert.deepEqual(read(line), nest);
  const painted =
    '\u001B[32m[Nest] 1  - \u001B[39m11/21/2026, 10:00:00 AM \u001B[32m    LOG\u001B[39m \u001B[33m[NestFactory] \u001B[39m\u001B[32mStarting Nest application...\u001B[39m\u001B[38;5;3m +2ms\u001B[39m';
  assert.deepEqual(read(painted), nest);
  assert.deepEqual(read('[Nest] 1  - 11/21/2026, 10:00:00 AM   ERROR [Db] {"a":1}'), {
    level: 'error',
    logger: 'Db',
    message: '{"a":1}',
    fields: {},
  });
  assert.deepEqual(read('{"level":"log","pid":1,"timestamp":1763719200000,"message":"up","context":"Main"}'), {
    level: 'info',
    logger: 'Main',
    message: 'up',
    fields: {},
  });
});

test('winston, bunyan, Serilog, structlog, ECS and GELF by the same names', () => {
  assert.equal(read('{"level":"silly","message":"m","timestamp":"2026-11-21 10:00:00"}')?.['level'], 'trace');
  assert.equal(
    read('{"name":"app","hostname":"h","pid":3,"level":60,"msg":"m","time":"2026","v":0}')?.['level'],
    'fatal',
  );
  assert.equal(read('{"@t":"2026-11-21T10:00:00Z","@l":"Warning","@m":"m"}')?.['level'], 'warn');
  assert.deepEqual(read('{"event":"login","level":"info","timestamp":"2026-11-21"}'), {
    level: 'info',
    message: 'login',
    fields: {},
  });
  assert.equal(read('{"@timestamp":"2026-11-21T10:00:00Z","log.level":"debug","message":"m"}')?.['level'], 'debug');
  const gelf = '{"version":"1.1","host":"h","short_message":"m","level":3,"_a":1}';
  assert.deepEqual(read(gelf), { level: 'error', message: 'm', fields: { version: '1.1', host: 'h', _a: 1 } });
});

test('text before the JSON stays, and a level of its own making is none', () => {
  assert.deepEqual(read('api | {"level":"audit","msg":"m"}'), { before: 'api | ', message: 'm', fields: {} });
  assert.equal(parseStructured('{"level":"audit","msg":"m"}')?.levelText, 'audit');
});

test('what only has the name of such a field is an ordinary field', () => {
  assert.deepEqual(
    read('{"level":"info","msg":"connect","hostname":"db.example.com","v":"2","event":"e"}')?.['fields'],
    {
      hostname: 'db.example.com',
      v: '2',
      event: 'e',
    },
  );
  assert.deepEqual(read('{"level":"info","msg":"m","time":{"spent":3},"context":{"a":1}}')?.['fields'], {
    time: { spent: 3 },
    context: { a: 1 },
  });
});

test('a number that would lose digits leaves a line as it is written, unless it is the time', () => {
  assert.equal(parseStructured('{"level":"info","msg":"m","id":12345678901234567890}'), undefined);
  assert.equal(parseStructured('{"level":"info","msg":"m","a":{"ids":[12345678901234567]}}'), undefined);
  assert.equal(read('{"level":"info","msg":"m","time":1763719200123456789}')?.['message'], 'm');
  assert.equal(read('{"level":"info","msg":"m","id":"12345678901234567890"}')?.['message'], 'm');
});

test('an error without a stack is a field, and is the message where there is none', () => {
  assert.deepEqual(read('{"level":"error","msg":"m","err":{"type":"E","message":"why"}}')?.['fields'], {
    err: 'E: why',
  });
  assert.equal(read('{"level":50,"time":1,"err":{"message":"why","stack":"Error: why\\n  at x"}}')?.['message'], 'why');
  assert.equal(
    read('{"level":50,"msg":"m","err":{"type":"E","message":"why","stack":"at x\\nat y"}}')?.['stack'],
    'E: why\nat x\nat y',
  );
});

for (const line of [
  '',
  'plain text',
  'ends in a brace}',
  '{"id":1,"name":"Bob"}',
  '{"message":"only a message"}',
  '{"level":"info","msg":"broken"',
  '{"level":"info","msg":"broken}',
  'a set {a, b}',
  '[1,2,3]',
  '["{}"]',
  '[info] started',
  '[a] b [c] LOG d',
  'null',
  'level=info and then words',
  'time=now',
  'msg="never closed',
])
  test(`${JSON.stringify(line)} is no structured line`, () => {
    assert.equal(parseStructured(line), undefined);
  });

test('a long line of blanks that begins as a line of NestJS is passed over at once', () => {
  const startedAt = performance.now();
  assert.equal(parseStructured(`[Nest] 1 - ${' '.repeat(200_000)}x`), undefined);
  // A look through it from each of its blanks takes half a minute.
  assert.ok(performance.now() - startedAt < 5000);
});

test('all fields are those of the stack too, and of what is nested, by names with dots', () => {
  const fieldsOf = (line: object) => {
    const structured = parseStructured(JSON.stringify({ level: 'error', msg: 'm', ...line }));
    return structured && allFields(structured);
  };
  const err = { type: 'E', message: 'why', stack: 'E: why\n at f', code: 7, ctx: { user: { id: 1 } } };
  assert.deepEqual(fieldsOf({ err }), {
    'err.code': 7,
    'err.ctx.user.id': 1,
    'err.type': 'E',
    'err.message': 'why',
    'err.stack': 'E: why\n at f',
  });
  assert.deepEqual(fieldsOf({ stacktrace: 'main.go:3', error: 'EOF' }), { error: 'EOF', stacktrace: 'main.go:3' });
  assert.deepEqual(fieldsOf({ exception: 'one\ntwo' }), { exception: 'one\ntwo' });
  assert.deepEqual(fieldsOf({ a: { b: [{ c: 1 }], d: {}, e: null } }), { 'a.b': [{ c: 1 }], 'a.d': {}, 'a.e': null });
  const deep = (depth: number): object => (depth === 0 ? {} : { a: deep(depth - 1) });
  assert.deepEqual(fieldsOf({ x: deep(8) }), { 'x.a.a.a.a.a.a': { a: { a: {} } } });
});

test('what goes too deep to be written out again is no structured line', () => {
  const nested = (depth: number) => `{"level":"info","msg":"m","a":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
  assert.equal(parseStructured(nested(100_000)), undefined);
  assert.equal(parseStructured(nested(100))?.message, 'm');
});
