import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BuildTrace } from '../../../src/engine/build-trace.ts';
import { encodeNumber, encodeString } from '../../../src/engine/protobuf.ts';

const bytes = (number: number, content: Buffer) => {
  assert.ok(content.length < 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
};
const time = (seconds: number, nanos = 0) => Buffer.concat([encodeNumber(1, seconds), encodeNumber(2, nanos)]);
const status = (...messages: Buffer[]) => Buffer.concat(messages).toString('base64');

function vertex(name: string, facts: { started?: Buffer; completed?: Buffer; cached?: boolean; error?: string } = {}) {
  const { started, completed, cached, error } = facts;
  return bytes(
    1,
    Buffer.concat([
      encodeString(1, `digest of ${name}`),
      encodeString(3, name),
      cached ? encodeNumber(4, 1) : Buffer.alloc(0),
      started ? bytes(5, started) : Buffer.alloc(0),
      completed ? bytes(6, completed) : Buffer.alloc(0),
      error ? encodeString(7, error) : Buffer.alloc(0),
    ]),
  );
}

function log(name: string, message: Buffer) {
  return bytes(3, Buffer.concat([encodeString(1, `digest of ${name}`), encodeNumber(3, 1), bytes(4, message)]));
}

describe('the trace of a build', () => {
  test('a step starts once and ends once, with its time', () => {
    const trace = new BuildTrace();
    const started = time(1_700_000_000, 250_000_000);
    assert.deepEqual(trace.read(status(vertex('RUN a'))), []);
    assert.deepEqual(trace.read(status(vertex('RUN a', { started }))), [{ type: 'started', name: 'RUN a' }]);
    assert.deepEqual(trace.read(status(vertex('RUN a', { started }))), []);
    const done = status(vertex('RUN a', { started, completed: time(1_700_000_001, 750_000_000) }));
    assert.deepEqual(trace.read(done), [{ type: 'step', name: 'RUN a', cached: false, ms: 1500 }]);
    assert.deepEqual(trace.read(done), []);
    assert.equal(trace.failure(), undefined);
  });

  test('a cached step is one report', () => {
    const now = time(1_700_000_000);
    const message = status(vertex('COPY', { started: now, completed: now, cached: true }));
    assert.deepEqual(new BuildTrace().read(message), [{ type: 'step', name: 'COPY', cached: true, ms: 0 }]);
  });

  test('output is whole lines, of each step apart, whatever way it was cut', () => {
    const trace = new BuildTrace();
    const text = Buffer.from('grüße\nlast');
    const cut = text.indexOf(0xbc);
    const lines = [
      ...trace.read(status(log('a', text.subarray(0, cut)))),
      ...trace.read(status(log('b', Buffer.from('other\n')))),
      ...trace.read(status(log('a', text.subarray(cut)))),
      ...trace.read(status(vertex('a', { started: time(1), completed: time(2) }))),
    ].flatMap((one) => (one.type === 'output' ? [one.line] : []));
    assert.deepEqual(lines, ['other', 'grüße', 'last']);
  });

  test('a progress bar is its last drawing', () => {
    const lines = new BuildTrace().read(status(log('a', Buffer.from('10%\r50%\r100%\r\n'))));
    assert.deepEqual(lines, [{ type: 'output', line: '100%' }]);
  });

  test('the failure is the step that failed, not one that was cancelled for it, with its last lines', () => {
    const trace = new BuildTrace();
    for (let line = 1; line <= 30; line++) trace.read(status(log('RUN bad', Buffer.from(`line ${line}\n`))));
    const times = { started: time(1), completed: time(2) };
    trace.read(status(vertex('RUN slow', { ...times, error: 'context canceled' })));
    assert.deepEqual(trace.read(status(vertex('RUN bad', { ...times, error: 'exit code: 1' }))), []);
    const failure = trace.failure();
    assert.equal(failure?.name, 'RUN bad');
    assert.equal(failure?.output.length, 20);
    assert.equal(failure?.output.at(-1), 'line 30');
  });
});
