import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringifyYaml } from '../lib/yaml.ts';
import type { Discovered } from './discover.ts';
import type { FoundService } from './match-services.ts';

/** @returns a commented stormctl.yaml for what was found: templates/stormctl.yaml with its gaps filled. */
export async function writeConfig(found: Discovered): Promise<string> {
  const sections: Readonly<Record<string, string>> = {
    name: scalar(found.name),
    namespace: scalar(found.namespace),
    services: servicesOf(found),
    deploy: deployOf(found),
    forward: forwardOf(found),
    environments: environmentsOf(found),
  };
  const template = await readTemplate('stormctl.yaml');
  return `${template.replaceAll(/\{\{(\w+)\}\}/g, (gap, name: string) => sections[name] ?? gap).trimEnd()}\n`;
}

function servicesOf({ services, unmatched }: Discovered): string {
  const lines = services.map((service) => indent(stringifyYaml({ [service.name]: asInput(service) })));
  if (services.length === 0) lines.push('  # web:', '  #   build: services/web    # the folder of its Dockerfile');
  else
    lines.push(
      '  # sync: auto copies what the Dockerfile only copies into running containers, where the program has to notice it, or',
      '  # be started anew in them: afterSync: { restart: true }.',
      '  # Without the key every save rebuilds. A service may say more:',
      '  #   sync: [{ from: src/**, to: /app/src }, auto]    # rules of its own first',
      '  #   dev: { target: development }                    # what `stormctl dev` alone changes',
    );
  for (const dockerfile of unmatched) lines.push(`  # ${dockerfile}: no manifest seems to use its image`);
  return lines.join('\n');
}

function asInput({ name, image, context, dockerfile, restarts }: FoundService): object {
  const build = dockerfile === 'Dockerfile' ? context : { context, dockerfile };
  return {
    ...(image === name ? {} : { image }),
    build,
    sync: 'auto',
    ...(restarts && { afterSync: { restart: true } }),
  };
}

function deployOf({ kustomize, manifests, charts, others }: Discovered): string {
  const steps: object[] = charts.map((chart) => ({ helm: { chart } }));
  if (kustomize !== undefined) steps.push({ kustomize });
  if (manifests.length > 0) steps.push({ manifests });
  const left = others.map(({ kind, folder }) => [
    '  # Found, too, and not deployed:',
    kind === 'helm' ? `  # - helm: { chart: ${scalar(folder)} }` : `  # - kustomize: ${scalar(folder)}`,
  ]);
  if (steps.length === 0)
    return [
      '  # - kustomize: k8s/overlays/dev',
      '  # - manifests: [k8s/*.yaml]',
      '  # - helm: { chart: charts/app }',
    ].join('\n');
  return [indent(stringifyYaml(steps)), ...new Set(left.flat())].join('\n');
}

function environmentsOf({ environments }: Discovered): string {
  if (environments.size === 0) return '';
  const written = [...environments].map(([name, folder]) => [name, { deploy: [{ kustomize: folder }] }] as const);
  return [
    '# Laid over the rest by `-e NAME`. Give each the context that it may write to: cluster: { context: … }.',
    'environments:',
    indent(stringifyYaml(Object.fromEntries(written))),
  ].join('\n');
}

function forwardOf({ forward }: Discovered): string {
  if (forward.length === 0) return '  # - { to: service/web, port: 80, local: 8080 }';
  return forward
    .map(({ to, port, local }) => {
      const own = local === port ? '' : `, local: ${local}`;
      return `  - { to: ${scalar(to)}, port: ${port}${own} }`;
    })
    .join('\n');
}

function scalar(text: string): string {
  return stringifyYaml(text).trimEnd();
}

function indent(yaml: string): string {
  return yaml.trimEnd().replaceAll(/^/gm, '  ');
}

/** The package's templates/ lies above this file, however deep a bundle has put it. */
async function readTemplate(name: string): Promise<string> {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      return await readFile(join(folder, 'templates', name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === dirname(folder)) throw error;
    }
  }
}
