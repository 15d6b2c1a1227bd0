import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contextFolder } from '../../support/context-folder.ts';

interface Case {
  readonly name: string;
  readonly dockerfile: readonly string[];
  readonly files?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  readonly ignore?: string;
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
  /** Path to the places where it lies in the image, or to what the reason for a rebuild says. */
  readonly lands: Readonly<Record<string, readonly string[] | RegExp>>;
}

const cases: readonly Case[] = [
  {
    name: 'what is copied before a RUN rebuilds by that line, what is copied after it syncs',
    dockerfile: ['FROM node', 'WORKDIR /app', 'COPY package*.json ./', 'RUN npm ci', 'COPY src ./src'],
    lands: {
      'package.json': /^Dockerfile:4 RUN npm ci runs after Dockerfile:3 COPY package\*\.json \.\/$/,
      'package-lock.json': /^Dockerfile:4 RUN npm ci /,
      'src/a.ts': ['/app/src/a.ts'],
      'src/new/deep.ts': ['/app/src/new/deep.ts'],
    },
  },
  {
    name: 'a file that a later COPY brings again was there for the RUN between',
    dockerfile: ['FROM node', 'WORKDIR /app', 'COPY package.json ./', 'RUN npm ci', 'COPY . .'],
    lands: { 'package.json': /^Dockerfile:4 RUN npm ci/, 'src/a.ts': ['/app/src/a.ts'], 'b.ts': ['/app/b.ts'] },
  },
  {
    name: 'a compiled program rebuilds by the COPY that takes it out of its stage',
    dockerfile: [
      'FROM golang AS build',
      'WORKDIR /src',
      'COPY go.mod ./',
      'COPY cmd ./cmd',
      'RUN go build -o /out ./cmd',
      'FROM scratch',
      'COPY --from=build /out /app',
      'COPY public /public',
    ],
    lands: {
      'cmd/main.go': /^Dockerfile:7 COPY --from=build \/out \/app takes what another stage makes of it$/,
      'go.mod': /^Dockerfile:7 /,
      'public/index.html': ['/public/index.html'],
    },
  },
  {
    name: 'what another stage takes too rebuilds, wherever else it is copied',
    dockerfile: [
      'FROM node AS deps',
      'COPY package.json /d/',
      'FROM node AS all',
      'COPY --from=deps /d /d',
      'FROM node',
      'COPY --from=all /d /d',
      'COPY . /app/',
    ],
    lands: { 'package.json': /^Dockerfile:6 COPY --from=all/, 'a.js': ['/app/a.js'] },
  },
  {
    name: 'a stage that is both FROM and copied from',
    dockerfile: ['FROM a AS one', 'COPY x /x/', 'FROM one', 'COPY --from=one /x /y', 'COPY z /z/'],
    lands: { 'x/f': /^Dockerfile:4 COPY --from=one/, 'z/f': ['/z/f'] },
  },
  {
    name: 'a stage that a RUN mounts',
    dockerfile: ['FROM a AS one', 'COPY x /x/', 'FROM b', 'RUN --mount=from=one,target=/o cp -r /o/x /x', 'COPY y /y/'],
    lands: { 'x/f': /^Dockerfile:4 RUN --mount=from=one/, 'y/f': ['/y/f'] },
  },
  {
    name: 'a RUN that mounts the context reads it',
    dockerfile: ['FROM a', 'COPY src /src/', 'RUN --mount=source=go.mod,target=/go.mod go', 'COPY web /web/'],
    lands: { 'go.mod': /^Dockerfile:3 RUN .* reads it$/, 'src/a': /^Dockerfile:3 /, 'web/a': ['/web/a'] },
  },
  {
    name: 'a RUN of the stage that inherits runs after the COPY of the stage below',
    dockerfile: ['FROM a AS base', 'WORKDIR /app', 'COPY conf conf', 'FROM base', 'RUN make', 'COPY src src'],
    lands: { 'conf/a': /^Dockerfile:5 RUN make runs after Dockerfile:3/, 'src/a': ['/app/src/a'] },
  },
  {
    name: 'the stages of other targets do not matter',
    dockerfile: ['FROM a AS dev', 'COPY src /src', 'FROM a AS prod', 'COPY src /src', 'RUN make'],
    target: 'dev',
    lands: { 'src/a': ['/src/a'] },
  },
  {
    name: 'every place where it lies, each once',
    dockerfile: ['FROM a', 'COPY a.txt /one/', 'COPY a.txt b.txt /two/', 'COPY a.txt /one/a.txt'],
    lands: { 'a.txt': ['/one/a.txt', '/two/a.txt'], 'b.txt': ['/two/b.txt'] },
  },
  {
    name: 'WORKDIR, ARG and ENV, handed down to the stage that is FROM it',
    dockerfile: [
      'ARG ROOT=/srv',
      'FROM a AS base',
      'ARG ROOT',
      'ENV APP=web',
      'WORKDIR $ROOT',
      'WORKDIR ${APP}',
      'FROM base',
      'COPY src .',
      'COPY lib ../lib',
      'COPY etc $ROOT/etc/',
    ],
    args: { ROOT: '/given' },
    lands: { 'src/a': ['/given/web/a'], 'lib/a': ['/given/lib/a'], 'etc/a': ['/given/etc/a'] },
  },
  {
    name: 'the WORKDIR of an image is not known, that of scratch is the root',
    dockerfile: ['FROM a', 'COPY src src'],
    lands: { 'src/a': /^Dockerfile:2 COPY src src: only the build knows where that is .*WORKDIR/ },
  },
  { name: 'scratch', dockerfile: ['FROM scratch', 'COPY src src'], lands: { 'src/a': ['/src/a'] } },
  {
    name: 'a WORKDIR that only the build can say, until an absolute one',
    dockerfile: ['FROM a', 'WORKDIR $HOME/x', 'WORKDIR y', 'COPY a a/', 'WORKDIR /z', 'COPY b b/'],
    lands: { 'a/f': /^Dockerfile:4 .* where that is/, 'b/f': /^Dockerfile:4 COPY a a\/ may write over \/z\/b\/f/ },
  },
  {
    name: 'a folder, a file and several, with and without a slash at the end',
    dockerfile: [
      'FROM a',
      'WORKDIR /app',
      'COPY src /opt/src',
      'COPY lib/ /opt/lib/',
      'COPY a.json ./',
      'COPY b.json /app',
      'COPY c.json /etc/conf/other.json',
      'COPY Caddyfile /etc/caddy/Caddyfile',
      'COPY d.json e.json /opt',
      'COPY f.json /etc/nginx',
      'COPY g /',
    ],
    lands: {
      'src/x/a': ['/opt/src/x/a'],
      'lib/a': ['/opt/lib/a'],
      'a.json': ['/app/a.json'],
      'b.json': ['/app/b.json'],
      'c.json': ['/etc/conf/other.json'],
      Caddyfile: ['/etc/caddy/Caddyfile'],
      'd.json': ['/opt/d.json'],
      'f.json': /^Dockerfile:10 .*only the build knows whether \/etc\/nginx is a folder/,
      g: ['/g'],
    },
  },
  {
    name: 'globs: files by their names, the contents of folders',
    dockerfile: ['FROM a', 'COPY *.json conf/*.yaml /app/', 'COPY pkg/* /pkg/', 'COPY x*.txt /t.txt'],
    lands: {
      'a.json': ['/app/a.json'],
      'conf/b.yaml': ['/app/b.yaml'],
      'pkg/one/f': ['/pkg/f'],
      'pkg/f2': ['/pkg/f2'],
      'x1.txt': /whether \/t\.txt is a folder/,
    },
  },
  {
    name: 'two folders of a glob that may bring the same file',
    dockerfile: ['FROM a', 'COPY pkg/* /pkg/'],
    files: ['pkg/one/f', 'pkg/two/f', 'pkg/two/g'],
    lands: { 'pkg/one/f': /may put pkg\/two\/f at \/pkg\/f too/, 'pkg/two/g': ['/pkg/g'] },
  },
  {
    name: 'another file at the same place, before or after',
    dockerfile: ['FROM a', 'COPY base /app/', 'COPY over /app/', 'COPY one.json /etc/c.json'],
    files: ['base/a', 'base/b', 'over/b', 'over/c', 'base/i', 'over/i'],
    ignore: 'over/i',
    lands: {
      'base/a': ['/app/a'],
      'base/b': /^Dockerfile:3 COPY over \/app\/ may put over\/b at \/app\/b too$/,
      'over/b': /^Dockerfile:2 COPY base \/app\/ may put base\/b/,
      'over/c': ['/app/c'],
      'base/i': ['/app/i'],
    },
  },
  {
    name: 'what may be written over by what is not of the context',
    dockerfile: [
      'FROM a AS s',
      'FROM b',
      'COPY --from=s /early /app',
      'COPY . /app/',
      'COPY --from=s /dist /app/dist',
      'COPY --from=c /x $X',
    ],
    lands: { 'src/a': /^Dockerfile:6 COPY --from=c \/x \$X may write over \/app\/src\/a/, 'dist/a': /^Dockerfile:5 / },
  },
  {
    name: 'what another stage brings before it does not matter, nor beside it',
    dockerfile: [
      'FROM a AS s',
      'FROM b',
      'COPY --from=s /early /app',
      'COPY . /app/',
      'COPY --from=s /m /app/modules',
      'ADD https://example.com/x.txt /app/x/',
    ],
    lands: { 'src/a': ['/app/src/a'], 'modules/a': /^Dockerfile:5 / },
  },
  {
    name: 'a heredoc writes its own file',
    dockerfile: ['FROM a', 'COPY conf /etc/app/', 'COPY <<EOF /etc/app/made.conf', 'COPY x /', 'EOF'],
    lands: { 'conf/made.conf': /^Dockerfile:3 .* may write over/, 'conf/b': ['/etc/app/b'] },
  },
  {
    name: 'owner, mode, --link, USER, ENTRYPOINT and CMD change nothing of the place',
    dockerfile: [
      'FROM a',
      'USER node',
      'COPY --chown=node:node --chmod=755 --link src /app/src',
      'ENTRYPOINT ["a"]',
      'CMD ["b"]',
    ],
    lands: { 'src/a': ['/app/src/a'] },
  },
  {
    name: '--parents keeps folders, from /./ on',
    dockerfile: [
      'FROM a',
      'WORKDIR /app',
      'COPY --parents packages/**/package.json ./',
      'COPY --parents ./x/./y/z /q/',
      'COPY --parents g*/./f /h/',
    ],
    lands: {
      'packages/a/b/package.json': ['/app/packages/a/b/package.json'],
      'x/y/z/f': ['/q/y/z/f'],
      'g1/f': /which folders its pattern drops/,
    },
  },
  {
    name: '--exclude is for the build to say',
    dockerfile: ['FROM a', 'COPY --exclude=*.md docs /docs', 'COPY src /src'],
    lands: { 'docs/a.html': /^Dockerfile:2 .*--exclude/, 'src/a': ['/src/a'] },
  },
  {
    name: 'ADD copies what is no archive',
    dockerfile: ['FROM a', 'ADD app.py site.tar.gz bundle /app/', 'ADD src /src/', 'ADD https://e.com/x /y/'],
    lands: {
      'app.py': ['/app/app.py'],
      'site.tar.gz': /^Dockerfile:2 .* unpacks it if it is an archive$/,
      bundle: /unpacks it/,
      'src/inner.tar.gz': ['/src/inner.tar.gz'],
    },
  },
  {
    name: 'an archive may write over what is there before it',
    dockerfile: ['FROM a', 'COPY a /app/', 'ADD b.tgz /app/', 'COPY c /app/'],
    files: ['a/f', 'b.tgz', 'c/g'],
    lands: { 'a/f': /^Dockerfile:3 ADD b\.tgz/, 'c/g': ['/app/g'] },
  },
  {
    name: 'ONBUILD of a local stage runs in the stage that is FROM it',
    dockerfile: [
      'FROM a AS base',
      'WORKDIR /app',
      'ONBUILD COPY package.json .',
      'ONBUILD RUN npm ci',
      'ONBUILD COPY src src',
      'FROM base',
    ],
    lands: { 'package.json': /^Dockerfile:4 ONBUILD RUN npm ci|^Dockerfile:4 RUN npm ci/, 'src/a': ['/app/src/a'] },
  },
  {
    name: 'ONBUILD of an image is for the build to say',
    dockerfile: ['FROM python:3-onbuild', 'COPY src /src'],
    lands: { 'src/a': /^Dockerfile:1 FROM python:3-onbuild: only the build knows which files it takes/ },
  },
  {
    name: 'what lies in a volume, wherever it is declared',
    dockerfile: ['FROM a', 'VOLUME ["/data", "/var/x"]', 'COPY seed /data/seed', 'COPY src /src', 'COPY x /var/xy/'],
    lands: { 'seed/a': /^Dockerfile:2 .*\/data\/seed\/a lies in a volume/, 'src/a': ['/src/a'], 'x/a': ['/var/xy/a'] },
  },
  {
    name: 'a volume that only the build can say',
    dockerfile: ['FROM a', 'COPY src /src', 'VOLUME $DATA'],
    lands: { 'src/a': /^Dockerfile:3 VOLUME \$DATA: only the build knows which folder/ },
  },
  {
    name: 'a source that only the build can say may be any file',
    dockerfile: ['FROM a', 'COPY app-$V /app/', 'COPY src /src'],
    lands: { 'src/a': /^Dockerfile:2 .*only the build knows which files/ },
  },
  {
    name: 'a FROM that only the build can say',
    dockerfile: ['FROM a AS s-1', 'FROM b AS s-2', 'FROM s-$TARGETARCH', 'COPY src /src'],
    lands: { 'src/a': /^Dockerfile:3 FROM s-\$TARGETARCH: only the build knows which stage/ },
  },
  {
    name: 'another frontend may do anything',
    dockerfile: ['# syntax=example.com/own:1', 'FROM a', 'COPY src /src'],
    lands: { 'src/a': /^Dockerfile:1 # syntax=example.com\/own:1/ },
  },
  {
    name: 'symbolic links, and what they lead to',
    dockerfile: ['FROM a', 'COPY src /src', 'COPY current/conf /conf', 'COPY v1 /v1'],
    files: ['v1/conf/a', 'v1/b', 'src/f'],
    links: { current: 'v1', 'src/link': 'f', 'src/folder': '../v1' },
    lands: {
      'src/f': ['/src/f'],
      'src/link': /src\/link is a symbolic link/,
      'src/folder/b': /src\/folder is a symbolic link/,
      'v1/conf/a': /^Dockerfile:3 .*a symbolic link is on its way/,
      'v1/b': ['/v1/b'],
    },
  },
  {
    name: 'a source that is a link to a folder may bring anything, one to a file brings that',
    dockerfile: ['FROM a', 'COPY all /app/', 'COPY l* /app/', 'COPY w*/x /web/', 'COPY web /web'],
    files: ['all/x', 'all/lf', 'all/ok', 'v1/x', 'web/x'],
    links: { lf: 'v1/x', loose: 'nowhere', wl: '/v1' },
    lands: {
      'all/x': /may put loose at \/app\/x too/,
      'web/x': /may put wl at \/web\/x too/,
    },
  },
  {
    name: 'a source that is a link to a file brings it by its own name',
    dockerfile: ['FROM a', 'COPY all /app/', 'COPY l* /app/'],
    files: ['all/x', 'all/lf', 'v1/x'],
    links: { lf: 'v1/x' },
    lands: { 'all/x': ['/app/x'], 'all/lf': /may put lf at \/app\/lf too/ },
  },
  {
    name: 'a RUN with a heredoc, and a long line cut short',
    dockerfile: ['FROM a', 'COPY a /a/', `RUN echo ${'x'.repeat(200)} <<EOF`, 'COPY b /b/', 'EOF', 'COPY c /c/'],
    lands: { 'a/f': /^Dockerfile:3 RUN echo x{70}… runs after Dockerfile:2 COPY a \/a\/$/, 'c/f': ['/c/f'] },
  },
];

describe('landing', () => {
  for (const { name, dockerfile, files = [], links = {}, ignore, target, args = {}, lands } of cases) {
    it(name, async () => {
      await using folder = await contextFolder({
        Dockerfile: dockerfile.join('\n'),
        ...Object.fromEntries(files.map((file) => [file, ''])),
        ...(ignore === undefined ? {} : { '.dockerignore': ignore }),
      });
      for (const [path, to] of Object.entries(links)) await folder.link(path, to);
      const landingOf = (await folder.rules({ target, args })).landings();
      for (const [path, expected] of Object.entries(lands)) {
        const landing = landingOf(path);
        if (expected instanceof RegExp) {
          assert.equal(landing.kind, 'rebuild', path);
          assert.match(landing.because, expected, path);
        } else {
          assert.deepEqual(
            landing.kind === 'copied' ? landing.places.map(({ to }) => to) : landing.because,
            expected,
            path,
          );
        }
      }
    });
  }

  it('gives the mode of --chmod, where it is one', async () => {
    await using folder = await contextFolder({
      Dockerfile: 'FROM a\nARG M=750\nCOPY --chmod=$M src /src\nCOPY --chmod=u=rwX lib /lib\nCOPY etc /etc/a\n',
    });
    const landingOf = (await folder.rules()).landings();
    assert.deepEqual(landingOf('src/run.sh'), {
      kind: 'copied',
      places: [{ to: '/src/run.sh', root: '/src', mode: 0o750 }],
      because: 'Dockerfile:3 COPY --chmod=$M src /src',
    });
    const symbolic = landingOf('lib/run.sh');
    assert.match(symbolic.kind === 'rebuild' ? symbolic.because : '', /^Dockerfile:4 .*--chmod/);
  });

  it('knows of a Dockerfile that leaves nothing to sync', async () => {
    const dockerfiles: readonly [text: string, mayLand: boolean][] = [
      ['FROM a AS b\nCOPY . /src\nRUN make\nFROM scratch\nCOPY --from=b /out /app\n', false],
      ['FROM a\nCOPY . /src\nRUN make\n', false],
      ['FROM a\nRUN make\n', false],
      ['FROM a\nRUN make\nCOPY src /src\n', true],
      ['FROM a AS b\nCOPY src /src\nFROM b\nRUN make\n', false],
      ['FROM a\nRUN make\nCOPY src /src\nCOPY app-$V /app\n', false],
    ];
    for (const [text, mayLand] of dockerfiles) {
      await using folder = await contextFolder({ Dockerfile: text });
      assert.equal((await folder.rules()).mayLand, mayLand, text);
    }
  });

  it('names the COPY that brought it, and the folder that nothing may leave', async () => {
    await using folder = await contextFolder({ Dockerfile: 'FROM a\nWORKDIR /app\nCOPY src ./src\nCOPY b.json ./\n' });
    const landingOf = (await folder.rules()).landings();
    assert.deepEqual(landingOf('src/deep/a.ts'), {
      kind: 'copied',
      places: [{ to: '/app/src/deep/a.ts', root: '/app/src' }],
      because: 'Dockerfile:3 COPY src ./src',
    });
    assert.deepEqual(landingOf('b.json'), {
      kind: 'copied',
      places: [{ to: '/app/b.json', root: '/app' }],
      because: 'Dockerfile:4 COPY b.json ./',
    });
  });
});
