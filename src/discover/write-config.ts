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
  };
  const template = await readTemplate('stormctl.yaml');
  return template.replaceAll(/\{\{(\w+)\}\}/g, (gap, name: string) => sections[name] ?? gap);
}

function servicesOf({ services, unmatched }: Discovered): string {
  const lines = services.map((service) => indent(stringifyYaml({ [service.name]: asInput(service) })));
  if (services.length === 0) lines.push('  # web:', '  #   build: services/web    # the folder of its Dockerfile');
  else
    lines.push(
      '  # sync: auto copies what the Dockerfile only copies into running containers, where the program has to notice it.',
      '  # Without the key every save rebuilds. A service may say more:',
      '  #   sync: [{ from: src/**, to: /app/src }, auto]    # rules of its own first',
      '  #   dev: { target: development }                    # what `stormctl dev` alone changes',
    );
  for (const dockerfile of unmatched) lines.push(`  # ${dockerfile}: no manifest seems to use its image`);
  return lines.join('\n');
}

function asInput({ name, image, context, dockerfile }: FoundService): object {
  const build = dockerfile === 'Dockerfile' ? context : { context, dockerfile };
  return { ...(image === name ? {} : { image }), build, sync: 'auto' };
}

function deployOf({ kustomize, manifests }: Discovered): string {
  if (kustomize !== undefined) return indent(stringifyYaml([{ kustomize }]));
  if (manifests.length > 0) return indent(stringifyYaml([{ manifests }]));
  return '  # - kustomize: k8s/overlays/dev\n  # - manifests: [k8s/*.yaml]';
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
