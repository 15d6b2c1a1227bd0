import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { stringifyJson } from '../../../src/lib/json.ts';
import { editYaml, parseConfigYaml, parseManifestYaml, stringifyYaml } from '../../../src/lib/yaml.ts';

function failureOf(run: () => unknown): Failure {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
  return assert.fail('nothing was thrown');
}

const valueOf = (text: string): unknown => parseManifestYaml(text, 'a.yaml')[0]?.value;

describe('parseConfigYaml', () => {
  it('reads YAML 1.2 with merge keys', () => {
    const { value } = parseConfigYaml('base: &b {a: 1}\nx: {<<: *b, on: yes, mode: 0644}\n', 'f');
    assert.deepEqual(value, { base: { a: 1 }, x: { a: 1, on: 'yes', mode: 644 } });
  });

  it('tells where values, keys and list items stand', () => {
    const file = parseConfigYaml('a:\n  b:\n    - x\n    - y: 1\n  empty:\n', 'f.yaml');
    assert.deepEqual(file.positionOf(['a', 'b', 1, 'y']), { file: 'f.yaml', line: 4, column: 10 });
    assert.deepEqual(file.positionOf(['a', 'b', 1], 'y'), { file: 'f.yaml', line: 4, column: 7 });
    assert.deepEqual(file.positionOf(['a'], 'b'), { file: 'f.yaml', line: 2, column: 3 });
    assert.deepEqual(file.positionOf(['a', 'empty']), { file: 'f.yaml', line: 5, column: 3 });
    assert.deepEqual(file.positionOf(['a', 'b', 7]).line, 3);
    assert.equal(file.lineAt(file.positionOf(['a', 'b', 0])), '    - x');
  });

  it('follows an alias to where the value stands', () => {
    const file = parseConfigYaml('x: &x\n  k: 1\ny: *x\n', 'f');
    assert.deepEqual(file.positionOf(['y', 'k']), { file: 'f', line: 2, column: 6 });
  });

  it('shows a syntax error with its line and a caret', () => {
    const failure = failureOf(() => parseConfigYaml('a: 1\nb: [1, 2\nc: 3\n', 'f.yaml'));
    assert.equal(failure.kind, 'usage');
    assert.match(failure.where ?? '', /^f\.yaml:\d+:\d+$/);
    assert.match(failure.detail ?? '', /\n *\^$/);
  });

  it('refuses a key that stands twice, at the second one', () => {
    const failure = failureOf(() => parseConfigYaml('a: 1\nb: 2\na: 3\n', 'f'));
    assert.match(failure.message, /twice/);
    assert.equal(failure.where, 'f:3:1');
    assert.equal(failure.detail, 'a: 3\n^');
  });

  it('refuses an alias that names nothing', () => {
    assert.match(failureOf(() => parseConfigYaml('a: *nope\n', 'f')).message, /nope/);
  });
});

describe('parseManifestYaml', () => {
  // Every right side is what `kubectl create --dry-run=client -o json` printed for the left one.
  const asKubectl: readonly (readonly [string, string])[] = [
    ['0644', '420'],
    ['-0644', '-420'],
    ['0o644', '420'],
    ['08', '8'],
    ['089', '89'],
    ['00', '0'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['yes', 'true'],
    ['y', 'true'],
    ['on', 'true'],
    ['Off', 'false'],
    ['n', 'false'],
    ['TRUE', 'true'],
    ['tRue', '"tRue"'],
    ['"yes"', '"yes"'],
    ['~', 'null'],
    ['Null', 'null'],
    ['', 'null'],
    ['12:30:00', '"12:30:00"'],
    ['190:20:30', '"190:20:30"'],
    ['2001-01-01', '"2001-01-01"'],
    ['2001-12-14t21:59:43.10-05:00', '"2001-12-14t21:59:43.10-05:00"'],
    ['9007199254740993', '9007199254740993'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['-9223372036854775809', '-9223372036854776000'],
    ['12345678901234567890', '12345678901234567000'],
    ['1234567890123456789012345', '1.2345678901234568e+24'],
    ['0777777777777777777777777', '7.777777777777778e+23'],
    ['0xFFFFFFFFFFFFFFFFFFFF', '"0xFFFFFFFFFFFFFFFFFFFF"'],
    ['0x8000000000000000', '9223372036854776000'],
    ['0x1F', '31'],
    ['+0x1F', '31'],
    ['-0x1F', '-31'],
    ['0x1_F', '31'],
    ['0b101', '5'],
    ['-0b101', '-5'],
    ['0b2', '"0b2"'],
    ['0x', '"0x"'],
    ['1_000', '1000'],
    ['1_000.5', '1000.5'],
    ['1__0', '10'],
    ['0_6', '6'],
    ['0.1e1_0', '1000000000'],
    ['1.10', '1.1'],
    ['1.0', '1'],
    ['1.', '1'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['1.e3', '1000'],
    ['.e3', '".e3"'],
    ['1e', '"1e"'],
    ['.', '"."'],
    ['+12', '12'],
    ['1e3', '1000'],
    ['1e-7', '1e-7'],
    ['1e21', '1e+21'],
    ['1e400', '"1e400"'],
    ['=', '"="'],
    ['!!str 123', '"123"'],
    ['!!int "3"', '3'],
    ['!!float 1', '1'],
    ['!!binary aGVsbG8=', '"hello"'],
    ['!!timestamp 2001-01-01', '"2001-01-01"'],
    ['!foo bar', '"bar"'],
  ];

  for (const [text, json] of asKubectl) {
    it(`reads ${text === '' ? 'nothing' : text} as kubectl does: ${json}`, () => {
      assert.equal(stringifyJson(valueOf(`v: ${text}\n`)), `{"v":${json}}`);
    });
  }

  it('names keys as kubectl does', () => {
    assert.deepEqual(valueOf('yes: a\n1.5: b\n0644: c\n"on": d\n'), { true: 'a', 1.5: 'b', 420: 'c', on: 'd' });
  });

  it('takes the last of two equal keys', () => {
    assert.deepEqual(valueOf('a: 1\na: 2\n'), { a: 2 });
  });

  it('merges maps, the first of a list winning', () => {
    assert.deepEqual(valueOf('m: {<<: [{a: 1}, {a: 2, b: 3}], b: 4}\n'), { m: { a: 1, b: 4 } });
  });

  it('keeps its scalars under a %YAML directive', () => {
    assert.deepEqual(valueOf('%YAML 1.1\n---\nv: 12:30:00\nw: 0o17\n'), { v: '12:30:00', w: 15 });
  });

  it('gives every document that holds something, with its place', () => {
    const docs = parseManifestYaml('# first\n---\na: 1\n---\n# none\n---\n~\n---\n\nb: 2\n', 'm.yaml');
    assert.deepEqual(
      docs.map(({ value, at }) => ({ value, at })),
      [
        { value: { a: 1 }, at: { file: 'm.yaml', line: 3, column: 1 } },
        { value: { b: 2 }, at: { file: 'm.yaml', line: 10, column: 1 } },
      ],
    );
    assert.deepEqual(
      docs.map((doc) => doc.positionOf(['b'])),
      [
        { file: 'm.yaml', line: 3, column: 1 },
        { file: 'm.yaml', line: 10, column: 4 },
      ],
    );
    assert.deepEqual(parseManifestYaml('', 'm.yaml'), []);
    assert.deepEqual(parseManifestYaml('# only a comment\n', 'm.yaml'), []);
  });

  it('reads JSON, indented by tabs too', () => {
    assert.deepEqual(valueOf('{\n\t"a": "\\u00e9\\/\\ud83d\\ude00",\n\t"b": [1,\n\t\ttrue]\n}\n'), {
      a: 'é/😀',
      b: [1, true],
    });
  });

  it('refuses what has no form in JSON, with its place', () => {
    const failure = failureOf(() => parseManifestYaml('a: 1\n---\nv: .inf\n', 'm.yaml'));
    assert.equal(failure.kind, 'usage');
    assert.equal(failure.where, 'm.yaml:3:4');
  });

  it('refuses broken YAML in a later document, with its place', () => {
    const failure = failureOf(() => parseManifestYaml('a: 1\n---\nb: "x\n', 'm.yaml'));
    assert.match(failure.where ?? '', /^m\.yaml:[34]:/);
    assert.match(failure.next ?? '', /correct the line/);
  });
});

describe('a file that holds secrets', () => {
  const head = 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\nstringData:\n';
  for (const [what, text, line] of [
    ['a value', `${head}  pw: "hunter2-hunter2\n  b: [x\n`, /\*\*\*|\^/],
    ['a line of a value', `${head}  pw: |\n    one\n hunter2-hunter2\n`, / \*\*\*\n/],
    ['an alias', `${head}  pw: *hunter2-hunter2\n`, /\^/],
    ['JSON', '{"apiVersion":"v1","kind":"Secret","stringData":{"pw":"hunter2-hunter2"}', /\*\*\*/],
  ] as const)
    it(`is refused without quoting it: ${what}`, () => {
      const { message, detail = '', where = '' } = failureOf(() => parseManifestYaml(text, 'a.yaml'));
      assert.match(detail, line);
      assert.match(where, /^a\.yaml:\d+:\d+$/);
      assert.ok(!`${message}${detail}`.includes('hunter2'), `${message}\n${detail}`);
    });

  it('shows the keys, and all of other files', () => {
    const text = `${head}  pw: hunter2: hunter2\n`;
    assert.match(failureOf(() => parseManifestYaml(text, 'a.yaml')).detail ?? '', /^ {2}pw: \*\*\*\n/);
    const other = text.replace('Secret', 'ConfigMap');
    assert.match(failureOf(() => parseManifestYaml(other, 'a.yaml')).detail ?? '', /^ {2}pw: hunter2: hunter2\n/);
    assert.match(failureOf(() => editYaml('users: [\n  token: hunter2: x\n', 'c')).detail ?? '', /^(?!.*hunter2)/s);
  });
});

describe('stringifyYaml', () => {
  it('writes what kubectl reads back as the same value', () => {
    const value = {
      texts: ['yes', 'n', '0644', '0o17', '12:30:00', '1e3', '1_000', '', 'null', '~', '2001-01-01', '.inf', '5'],
      yes: true,
      '<<': 'text',
      numbers: [1, -2.5, 1e21, 9007199254740993n],
      nothing: null,
      script: 'if x; then\n  y\nfi\n',
      trailing: ' a \n b',
    };
    const text = stringifyYaml(value);
    assert.deepEqual(valueOf(text), value);
    const written = text.split('\n').slice(1, value.texts.length + 1);
    for (const line of written) assert.match(line, /^ *- "[^"]*"$/);
  });

  it('writes no anchors and folds no line', () => {
    const shared = { k: 'word '.repeat(60).trim() };
    const text = stringifyYaml({ a: shared, b: shared });
    assert.doesNotMatch(text, /[&*]/);
    assert.equal(text.split('\n').length, 5);
  });
});

describe('editYaml', () => {
  const text = [
    '# mine',
    'apiVersion: v1',
    'clusters:',
    '- cluster:',
    '    server: https://a # keep',
    '  name: a',
    'odd: 0644',
    'current-context: a # here',
    '',
  ].join('\n');

  it('gives an untouched file back as it was', () => {
    assert.equal(editYaml(text, 'f').toString(), text);
  });

  it('reads, sets, appends and deletes, and keeps the comments', () => {
    const yaml = editYaml(text, 'f');
    assert.deepEqual(yaml.get(['clusters', 0, 'name']), 'a');
    assert.equal(yaml.get(['users']), undefined);
    yaml.set(['current-context'], 'yes');
    yaml.set(['clusters', 1], { name: 'b', cluster: { server: 'https://b' } });
    assert.equal(yaml.delete(['clusters', 0]), true);
    assert.equal(yaml.delete(['users', 3]), false);
    assert.equal(
      yaml.toString(),
      [
        '# mine',
        'apiVersion: v1',
        'clusters:',
        '- name: b',
        '  cluster:',
        '    server: https://b',
        'odd: 0644',
        'current-context: "yes" # here',
        '',
      ].join('\n'),
    );
  });

  it('starts from an empty file', () => {
    const yaml = editYaml('', 'f');
    yaml.set(['kind'], 'Config');
    yaml.set(['users'], []);
    yaml.set(['users', 0], { name: 'a' });
    assert.deepEqual(valueOf(yaml.toString()), { kind: 'Config', users: [{ name: 'a' }] });
    assert.deepEqual(yaml.get([]), { kind: 'Config', users: [{ name: 'a' }] });
  });
});
