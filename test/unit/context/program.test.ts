import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDockerfile } from '../../../src/context/parse-dockerfile.ts';
import { findProgram } from '../../../src/context/program.ts';
import { findStage, readStages } from '../../../src/context/stages.ts';
import { startCommandOf } from '../../../src/context/start-command.ts';

describe('findProgram', () => {
  const scripts = {
    start: 'node dist/main.js',
    dev: 'NODE_ENV=development nodemon src/server.js',
    'start:dev': 'nest start --watch',
    'start:prod': 'npm run start',
    circle: 'npm run circle',
  };
  const named = (line: string) => findProgram(line.split(' '), scripts)?.name;

  it('knows the programs that load their files once', () => {
    for (const [line, name] of [
      ['node src/server.js', 'node'],
      ['/usr/local/bin/node --env-file=.env src/server.js', 'node'],
      ['tini -- node src/server.js', 'node'],
      ['docker-entrypoint.sh node src/server.js', 'node'],
      ['env NODE_ENV=production node src/server.js', 'node'],
      ['npm start', 'node'],
      ['npm run start:prod', 'node'],
      ['yarn start', 'node'],
      ['npx -y tsx src/server.ts', 'tsx'],
      ['nest start', 'nest'],
      ['python3.12 -m app', 'python'],
      ['uvicorn app:app --host 0.0.0.0', 'uvicorn'],
      ['bundle exec ruby app.rb', 'ruby'],
      ['uv run python app.py', 'python'],
      ['npm exec -- tsx src/server.ts', 'tsx'],
      ['pnpm tsx src/server.ts', 'tsx'],
    ] as const)
      assert.equal(named(line), name, line);
  });

  it('says nothing of those that watch, and of those that it does not know', () => {
    for (const line of [
      'node --watch src/server.js',
      'nodemon src/server.js',
      'node node_modules/.bin/nodemon src/server.js',
      'npx nest start --watch',
      'npx tsx watch src/server.ts',
      'npx vite',
      'npx next dev',
      'npm run dev',
      'npm run start:dev',
      'npm run unknown',
      'npm run circle',
      'uvicorn app:app --reload',
      'python manage.py runserver',
      'nginx -g daemon',
      './server',
      'node',
      'next build',
      'npm tsx src/server.ts',
    ])
      assert.equal(named(line), undefined, line);
    assert.equal(findProgram([], scripts), undefined);
    assert.equal(findProgram(['npm', 'start'], undefined), undefined);
    assert.equal(findProgram(['npm', 'start'], {})?.name, 'node', 'of server.js, as npm does');
  });

  it('reads what a shell is left with', () => {
    assert.equal(findProgram(['sh', '-c', 'npm run migrate && exec node "src/server.js"'], scripts)?.name, 'node');
    assert.equal(findProgram(['/bin/sh', '-c', 'node --watch src/server.js'], scripts), undefined);
  });

  it('knows which files a program loads', () => {
    const program = findProgram(['node', 'src/server.js'], undefined);
    assert.equal(program?.loads.test('src/server.js'), true);
    assert.equal(program?.loads.test('src/page.html'), false);
  });
});

describe('startCommandOf', () => {
  function start(text: string, target?: string): readonly (readonly string[])[] {
    const stages = readStages(parseDockerfile(text), {});
    const stage = findStage(stages, target);
    assert.ok(stage);
    const { entrypoint, command } = startCommandOf(stages, stage);
    return [entrypoint, command];
  }

  it('takes the last words of the target and of the stages that it is FROM', () => {
    const text = 'FROM a AS base\nENTRYPOINT ["tini", "--"]\nCMD ["x"]\nFROM base\nCMD node --watch a.js\n';
    assert.deepEqual(start(text), [
      ['tini', '--'],
      ['/bin/sh', '-c', 'node --watch a.js'],
    ]);
    assert.deepEqual(start(text, 'base'), [['tini', '--'], ['x']]);
  });

  it('drops the command of an earlier stage at an entrypoint, and knows nothing of the base image', () => {
    assert.deepEqual(start('FROM a AS base\nCMD ["x"]\nFROM base\nENTRYPOINT ["y"]\n'), [['y'], []]);
    assert.deepEqual(start('FROM a\n'), [[], []]);
  });
});
