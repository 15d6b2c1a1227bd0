import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readContext } from '../../../src/context/read-context.ts';
import type { ContextRules } from '../../../src/context/read-context.ts';

let root: string;
let count = 0;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'context-'));
});
after(() => rm(root, { recursive: true, force: true }));

interface Given {
  readonly dockerfile: string;
  readonly at?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
}

async function rulesOf({ dockerfile, at = 'Dockerfile', files = {}, links = {}, target, args = {} }: Given) {
  const context = join(root, `${count++}`);
  for (const [path, content] of Object.entries({ ...files, [at]: dockerfile })) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await writeFile(join(context, path), content);
  }
  for (const [path, to] of Object.entries(links)) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await symlink(to, join(context, path));
  }
  return readContext({ context, dockerfile: join(context, at), target, args, network: undefined });
}

/** `4` for reached by line 4, else the kind. */
function says(rules: ContextRules, path: string): string | number {
  const reach = rules.reach(path);
  return reach.kind === 'reached' ? reach.line : reach.kind;
}

interface Case extends Given {
  readonly name: string;
  readonly reach: Readonly<Record<string, string | number>>;
  readonly whole?: readonly number[];
}

const lines = (...text: string[]) => text.join('\n');

const cases: readonly Case[] = [
  {
    name: 'a folder reaches all below it, a file itself only',
    dockerfile: lines('FROM a', 'COPY src/ /app/', 'COPY package.json /app/'),
    reach: {
      'src/a.ts': 2,
      'src/deep/er/b.ts': 2,
      'package.json': 3,
      'package.json.bak': 'unreached',
      srcs: 'unreached',
    },
  },
  {
    name: 'a dot reaches everything',
    dockerfile: 'FROM a\nCOPY . .',
    reach: { x: 2, 'a/b': 2, Dockerfile: 'dockerfile' },
  },
  { name: 'a slash is the root of the context', dockerfile: 'FROM a\nADD / /x', reach: { 'a/b': 2 } },
  {
    name: 'an absolute source is relative to the context',
    dockerfile: 'FROM a\nCOPY /etc /x',
    reach: { 'etc/a': 2, a: 'unreached' },
  },
  {
    name: 'a source can not leave the context',
    dockerfile: 'FROM a\nCOPY ../../lib /x',
    reach: { 'lib/a': 2, a: 'unreached' },
  },
  {
    name: 'stars, question marks and classes match within one segment',
    dockerfile: lines('FROM a', 'COPY *.json ./', 'COPY src/*/main.go ./', 'COPY lib/?[a-c][^x].c ./', 'COPY a**/b ./'),
    reach: {
      'package.json': 2,
      'sub/package.json': 'unreached',
      'dir.json/below/it': 2,
      'src/one/main.go': 3,
      'src/one/two/main.go': 'unreached',
      'lib/1by.c': 4,
      'lib/1bx.c': 'unreached',
      'lib/1dy.c': 'unreached',
      'ab/b': 5,
      'a/x/b': 'unreached',
    },
  },
  {
    name: 'a bracket can be matched by a class and by an escape',
    dockerfile: lines('FROM a', 'COPY arr[[]0].txt /', 'COPY ["a\\\\*b", "/"]'),
    reach: { 'arr[0].txt': 2, arr0: 'unreached', 'a*b': 3 },
  },
  {
    name: 'several sources, JSON form with spaces and quotes',
    dockerfile: lines('FROM a', 'COPY a b /x/', 'copy ["my file", "c,d", "/x/"]', 'COPY "quoted" \'single\' /x/'),
    reach: { a: 2, b: 2, 'my file': 3, myfile: 'unreached', 'c,d': 3, quoted: 4, single: 4, '/x/': 'unreached' },
  },
  {
    name: 'flags are no sources',
    dockerfile: lines('FROM a', 'COPY --chown=1:1 --chmod=0755 --link a /x', 'COPY --exclude=*.md docs /x'),
    reach: { a: 2, 'docs/x.md': 3, '--link': 'unreached' },
  },
  {
    name: 'continuation lines with comments and empty lines among them',
    dockerfile: lines('FROM a', 'COPY a \\', '# comment', '  b \\  ', '', '  c /x', 'COPY d /y'),
    reach: { a: 2, b: 2, c: 2, d: 7, '#': 'unreached' },
  },
  {
    name: 'two escape characters at the end continue nothing',
    dockerfile: lines('FROM a', 'RUN echo \\\\', 'COPY b /'),
    reach: { b: 3 },
  },
  {
    name: 'the escape directive',
    dockerfile: lines('# escape=`', 'FROM a', 'COPY a `', '  b /x'),
    reach: { a: 3, b: 3 },
  },
  {
    name: 'Windows line ends and a byte order mark',
    dockerfile: '\uFEFFFROM a\r\nCOPY a \\\r\n b /x\r\nCOPY c /y\r\n',
    reach: { a: 2, b: 2, c: 4 },
  },
  {
    name: 'the body of a heredoc is no instruction and no source',
    dockerfile: lines(
      'FROM a',
      'COPY <<EOF <<-"E2" real /x/',
      'COPY one /',
      'EOF',
      'COPY two /',
      '\tE2',
      'RUN <<X',
      'COPY three /',
      'X',
      'COPY four /',
    ),
    reach: { real: 2, one: 'unreached', two: 'unreached', three: 'unreached', four: 10, '<<EOF': 'unreached' },
  },
  {
    name: 'what only looks like a heredoc hides nothing',
    dockerfile: lines(
      'FROM a',
      'RUN ["sh", "-c", "cat <<EOF"]',
      'COPY b /',
      "RUN echo '<<EOF'",
      'COPY c /',
      'RUN cat <<< x',
      'COPY d /',
      'RUN echo $((1<<2))',
      'COPY e /',
      'RUN x <<NEVER',
      'COPY f /',
    ),
    reach: { b: 3, c: 5, d: 7, e: 9, f: 11 },
  },
  {
    name: 'ADD of what is elsewhere reaches nothing, ADD of an archive does',
    dockerfile: lines(
      'FROM a',
      'ADD https://example.com/x.tgz /x',
      'ADD git@github.com:a/b.git /y',
      'ADD https://e.com/$V /z',
      'ADD a.tgz /',
    ),
    reach: { 'x.tgz': 'unreached', 'a.tgz': 5 },
  },
  {
    name: 'only the stages that the target needs count',
    dockerfile: lines(
      'FROM a AS deps',
      'COPY package.json .',
      'FROM deps AS development',
      'COPY dev .',
      'FROM deps AS build',
      'COPY src .',
      'FROM b AS production',
      'COPY --from=build /x /x',
      'COPY run.sh /',
    ),
    target: 'production',
    reach: { 'package.json': 2, 'dev/x': 'unreached', 'src/x': 6, 'run.sh': 9, x: 'unreached' },
  },
  {
    name: 'the target is found whatever its case, and by its index',
    dockerfile: lines('FROM a AS Dev', 'COPY dev .', 'FROM a', 'COPY prod .'),
    target: 'DEV',
    reach: { dev: 2, prod: 'unreached' },
  },
  {
    name: 'a target by index',
    dockerfile: lines('FROM a', 'COPY x .', 'FROM a', 'COPY y .'),
    target: '0',
    reach: { x: 2, y: 'unreached' },
  },
  {
    name: 'COPY --from an index, an image, and a name of any case',
    dockerfile: lines(
      'FROM a',
      'COPY zero .',
      'FROM a AS One',
      'COPY one .',
      'FROM a AS two',
      'COPY two .',
      'FROM a',
      'COPY --from=0 / /',
      'COPY --from=oNE / /',
      'COPY --from=nginx:1 / /',
    ),
    reach: { zero: 2, one: 4, two: 'unreached' },
  },
  {
    name: 'RUN --mount=type=bind reads the context, a stage where it names one',
    dockerfile: lines(
      'FROM a AS other',
      'COPY o .',
      'FROM a',
      'RUN --mount=type=bind,source=go.mod,target=/go.mod --mount=type=cache,target=/c go',
      'RUN --mount=src=lib,dst=/lib make',
      'RUN --mount=type=bind,from=other,target=/o ls',
      'RUN --mount=type=secret,id=x ls',
    ),
    reach: { 'go.mod': 4, 'lib/a': 5, o: 2, x: 'unreached' },
  },
  {
    name: 'a bind mount without a source is the whole context',
    dockerfile: lines('FROM a', 'RUN --mount=target=/src --mount=type=tmpfs,target=/t make'),
    reach: { 'any/thing': 2 },
  },
  {
    name: 'a mount field in quotes',
    dockerfile: lines('FROM a', 'RUN --mount=type=bind,"source=my dir",target=/x make'),
    reach: { 'my dir/x': 2, my: 'unreached' },
  },
  {
    name: 'ONBUILD of a local stage runs in the stages that are FROM it, not in its own',
    dockerfile: lines('FROM a AS base', 'ONBUILD COPY child .', 'FROM base AS kid', 'FROM a AS alone', 'COPY x .'),
    target: 'kid',
    reach: { child: 2, x: 'unreached' },
  },
  { name: 'ONBUILD alone reaches nothing', dockerfile: 'FROM a\nONBUILD COPY . .', reach: { x: 'unreached' } },
  {
    name: 'arguments: defaults, given ones, global ones, ENV over ARG',
    dockerfile: lines(
      'ARG DIR=global',
      'ARG BASE=a',
      'FROM $BASE',
      'ARG DIR',
      'ARG APP=one',
      'ARG OTHER=arg',
      'ENV OTHER=env TWO="with space"',
      'ENV OLD old form',
      'COPY $DIR /',
      'COPY ${APP}/x /',
      'COPY $OTHER /',
      'COPY $TWO /',
      'COPY "${OLD}" /',
    ),
    args: { APP: 'given' },
    reach: {
      global: 9,
      'given/x': 10,
      'one/x': 'unreached',
      env: 11,
      arg: 'unreached',
      'with space': 12,
      'old form': 13,
    },
  },
  {
    name: 'forms of variables, and a dollar that is none',
    dockerfile: lines(
      'FROM scratch',
      'ARG A=a',
      'ARG E=',
      'COPY ${E:-d} /',
      'COPY ${E-no}x /',
      'COPY ${A:+plus} /',
      'COPY pre$NONE/x /',
      'COPY \\$A /',
      "COPY '$A' /",
      'COPY ${U:-${A}n} /',
    ),
    reach: { d: 4, x: 5, plus: 6, 'pre/x': 7, $A: 8, a: 'unreached', an: 10 },
  },
  {
    name: 'a stage inherits the variables of the stage that it is FROM',
    dockerfile: lines('FROM a AS base', 'ARG A=one', 'ENV B=two', 'FROM base', 'COPY $A $B /x/'),
    reach: { one: 5, two: 5, three: 'unreached' },
  },
  {
    name: 'what only the base image sets makes the whole context count, and is told',
    dockerfile: lines('FROM node', 'COPY app-$NODE_VERSION /', 'COPY x /'),
    reach: { 'any/thing': 2 },
    whole: [2],
  },
  {
    name: 'a platform argument and an unknown form too',
    dockerfile: lines('FROM a', 'ARG TARGETARCH', 'ARG V=1', 'COPY bin/$TARGETARCH /', 'COPY ${V#x} /'),
    reach: { any: 4 },
    whole: [4, 5],
  },
  {
    name: 'an unresolved instruction of a stage that is not needed does not count',
    dockerfile: lines('FROM a AS no', 'COPY $X /', 'FROM a', 'COPY y /'),
    reach: { x: 'unreached', y: 4 },
  },
  {
    name: 'a FROM that can not be resolved may be any stage before it',
    dockerfile: lines(
      'FROM a AS build-amd64',
      'COPY amd .',
      'FROM a AS build-arm64',
      'COPY arm .',
      'FROM build-$TARGETARCH',
      'COPY x .',
    ),
    reach: { amd: 2, arm: 4, x: 6, y: 'unreached' },
  },
  {
    name: 'a stage found by an argument',
    dockerfile: lines(
      'ARG MODE=dev',
      'FROM a AS dev',
      'COPY dev .',
      'FROM a AS prod',
      'COPY prod .',
      'FROM ${MODE} AS final',
    ),
    args: { MODE: 'prod' },
    reach: { dev: 'unreached', prod: 5 },
  },
  {
    name: "a frontend that is not Dockerfile's may read anything",
    dockerfile: lines('# syntax=example.com/own:1', 'FROM a'),
    reach: { any: 1 },
    whole: [1],
  },
  {
    name: 'the usual frontend is no reason',
    dockerfile: lines('# syntax=docker/dockerfile:1.7', 'FROM a'),
    reach: { any: 'unreached' },
  },
  {
    name: 'COPY --parents knows two stars',
    dockerfile: lines('FROM a', 'COPY --parents packages/**/package.json ./', 'COPY --parents ./x/./y /z'),
    reach: { 'packages/package.json': 2, 'packages/a/b/package.json': 2, 'packages/a/x': 'unreached', 'x/y/z': 3 },
  },
  {
    name: 'links on the way to a source are followed inside the context',
    dockerfile: lines('FROM a', 'COPY current/conf /', 'COPY one.txt /', 'COPY g*/f /'),
    files: { 'v1/conf/a': '', 'real/two.txt': '', 'h/f': '' },
    links: { current: 'v1', 'one.txt': '/real/two.txt', glob: './h', loop: 'loop' },
    reach: {
      current: 2,
      'v1/conf/a': 2,
      'v1/other': 'unreached',
      'one.txt': 3,
      'real/two.txt': 3,
      'h/f': 4,
      glob: 4,
      'h/g': 'unreached',
    },
  },
  {
    name: 'the ignore file wins over COPY, its last matching line decides',
    dockerfile: 'FROM a\nCOPY . .',
    files: {
      '.dockerignore': lines('# comment', 'node_modules', '**/*.log', 'docs', '!docs/keep.md', 'a(b)+c', 'Dockerfile'),
    },
    reach: {
      'node_modules/x/y': 'ignored',
      'sub/node_modules/x': 2,
      'sub/x.log': 'ignored',
      'docs/x': 'ignored',
      'docs/keep.md': 2,
      'a(b)+c': 'ignored',
      abbc: 2,
      Dockerfile: 'dockerfile',
      '.dockerignore': 'ignoreFile',
      'Docs/x': 2,
    },
  },
  {
    name: 'an exception with stars brings back a file of an ignored folder, as in BuildKit',
    dockerfile: 'FROM a\nCOPY . .',
    files: { '.dockerignore': 'docs\n!**/keep.md' },
    reach: { 'docs/deep/keep.md': 2, 'docs/deep/other.md': 'ignored' },
  },
  {
    name: 'an ignore file beside the Dockerfile beats the one of the context',
    at: 'docker/app.Dockerfile',
    dockerfile: 'FROM a\nCOPY . .',
    files: { '.dockerignore': 'a', 'docker/app.Dockerfile.dockerignore': 'b' },
    reach: {
      a: 2,
      b: 'ignored',
      '.dockerignore': 2,
      'docker/app.Dockerfile.dockerignore': 'ignoreFile',
      'docker/app.Dockerfile': 'dockerfile',
    },
  },
  {
    name: 'the root of a repository as context for one of its services',
    at: 'services/gateway/Dockerfile',
    dockerfile: lines(
      'FROM golang:1.26-alpine AS build',
      'WORKDIR /src',
      'COPY go.mod go.sum ./',
      'COPY libs ./libs',
      'COPY services/gateway ./services/gateway',
      'RUN --mount=type=cache,target=/root/.cache go build -o /out ./services/gateway',
      'FROM build AS development',
      'CMD ["/out"]',
      'FROM gcr.io/distroless/static-debian12:nonroot AS production',
      'COPY --from=build /out /gateway',
    ),
    target: 'production',
    reach: {
      'go.mod': 3,
      'libs/bus/bus.go': 4,
      'services/gateway/main.go': 5,
      'services/gateway/Dockerfile': 'dockerfile',
      'services/user/src/main.ts': 'unreached',
      'README.md': 'unreached',
      'go.work': 'unreached',
    },
  },
];

describe('reach', () => {
  for (const { name, reach, whole = [], ...given } of cases) {
    it(name, async () => {
      const rules = await rulesOf(given);
      const found = Object.fromEntries(Object.keys(reach).map((path) => [path, says(rules, path)]));
      assert.deepEqual(found, reach);
      assert.deepEqual(
        rules.whole.map(({ line }) => line),
        whole,
      );
    });
  }

  it('names the instruction, and the rule of the ignore file', async () => {
    const rules = await rulesOf({
      dockerfile: 'FROM a\nCOPY  src \\\n   /app',
      files: { '.dockerignore': 'src/*.md' },
    });
    assert.deepEqual(rules.reach('src/x'), { kind: 'reached', line: 2, instruction: 'COPY src /app' });
    assert.deepEqual(rules.reach('src/x.md'), { kind: 'ignored', rule: 'src/*.md' });
  });
});

describe('mayReachBelow', () => {
  it('is false where neither an instruction nor an exception of the ignore file can reach', async () => {
    const rules = await rulesOf({
      dockerfile: 'FROM a\nCOPY src/app /app\nCOPY libs/*/go.mod /x/\nCOPY docs /docs',
      files: { '.dockerignore': 'src/app/node_modules\ndocs\n!docs/api/*.md\nlibs/old' },
    });
    const below = ['', 'src', 'src/app', 'src/app/deep', 'libs', 'libs/a', 'docs', 'docs/api'];
    const pruned = [
      'src/other',
      'src/app/node_modules',
      'src/app/node_modules/x',
      'libs/a/b',
      'libs/old',
      'docs/web',
      'x',
    ];
    assert.deepEqual(
      below.filter((folder) => !rules.mayReachBelow(folder)),
      [],
    );
    assert.deepEqual(
      pruned.filter((folder) => rules.mayReachBelow(folder)),
      [],
    );
  });

  it('keeps the folders of a Dockerfile that nothing copies', async () => {
    const rules = await rulesOf({ dockerfile: 'FROM a\nCOPY x /', at: 'docker/dev/Dockerfile' });
    assert.deepEqual(
      ['docker', 'docker/dev', 'docker/dev/more'].map((path) => rules.mayReachBelow(path)),
      [true, true, false],
    );
  });
});
