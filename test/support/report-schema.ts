import { readFileSync } from 'node:fs';

/** The keywords that docs/report.schema.json uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

interface Root extends Schema {
  readonly $defs: Readonly<Record<string, Schema>>;
}

export function readReportSchema(): Root {
  return JSON.parse(readFileSync('docs/report.schema.json', 'utf8')) as Root;
}

/**
 * @returns what a report has that the schema does not say, or lacks that it says; none when it is as it says. Readers have
 * to ignore fields that they don't know, but stormctl may print none that the schema does not have.
 */
export function violations(root: Root, report: Readonly<Record<string, unknown>>): readonly string[] {
  const variants = root.$defs['report']?.oneOf ?? [];
  const schema = variants.find(({ properties }) => properties?.['type']?.const === report['type']);
  return schema ? check(root, schema, report, String(report['type'])) : [`no report type ${String(report['type'])}`];
}

function check(root: Root, schema: Schema, value: unknown, at: string): readonly string[] {
  if (schema.$ref !== undefined) {
    const target = root.$defs[schema.$ref.replace('#/$defs/', '')];
    return target ? check(root, target, value, at) : [`${at}: no ${schema.$ref}`];
  }
  if (schema.anyOf)
    return schema.anyOf.some((each) => check(root, each, value, at).length === 0) ? [] : [`${at}: none of anyOf`];
  if ('const' in schema) return value === schema.const ? [] : [`${at}: not ${String(schema.const)}`];
  if (schema.enum) return schema.enum.includes(value) ? [] : [`${at}: ${String(value)} is none of the values`];
  if (schema.type === 'array')
    return Array.isArray(value)
      ? value.flatMap((item, index) => check(root, schema.items ?? {}, item, `${at}[${index}]`))
      : [`${at}: no array`];
  if (schema.type === 'object') return checkObject(root, schema, value, at);
  return typeof value === schema.type ? [] : [`${at}: no ${schema.type}`];
}

function checkObject(
  root: Root,
  { properties = {}, required = [], additionalProperties = false }: Schema,
  value: unknown,
  at: string,
) {
  if (typeof value !== 'object' || value === null) return [`${at}: no object`];
  const fields = value as Readonly<Record<string, unknown>>;
  const missing = required.filter((name) => !(name in fields)).map((name) => `${at}: no ${name}`);
  const wrong = Object.entries(fields).flatMap(([name, field]) => {
    const schema = properties[name];
    if (schema) return check(root, schema, field, `${at}.${name}`);
    return additionalProperties ? [] : [`${at}.${name} is not in the schema`];
  });
  return [...missing, ...wrong];
}
