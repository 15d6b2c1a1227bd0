// npm run schema: writes docs/report.schema.json, the JSON Schema of what `-o json` prints, from the types in src/events.ts.
// With --print it goes to standard output. The compiler's own checker reads the types, so there is no second description of
// them that could differ; a test compares the file with what this gives.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { API, SymbolFlags } from 'typescript/unstable/sync';

function reportSchema() {
  const api = new API();
  try {
    const snapshot = api.updateSnapshot({ openProjects: [resolve('tsconfig.json')] });
    const project = snapshot.getProject(resolve('tsconfig.json'));
    const { checker, program } = project;
    const find = (name, source) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(resolve(source)));
      return checker.getExportsOfModule(module).find((symbol) => symbol.name === name);
    };
    return describe(new Types(checker), {
      version: checker.getTypeOfSymbol(find('reportVersion', 'src/events.ts')),
      report: checker.getDeclaredTypeOfSymbol(find('Report', 'src/events.ts')),
      failureKind: checker.getDeclaredTypeOfSymbol(find('FailureKind', 'src/errors.ts')),
    });
  } finally {
    api.close();
  }
}

function describe(types, { version: versionType, report, failureKind }) {
  const version = { ...types.schema(versionType), description: 'Raised by a change that breaks a reader.' };
  const time = { type: 'string', format: 'date-time', description: 'When it was reported.' };
  const line = (type) => {
    const { description, properties, required } = types.object(type);
    return {
      type: 'object',
      title: properties.type.const,
      description,
      properties: { version, time, ...properties },
      required: ['version', 'time', ...required],
    };
  };
  const string = { type: 'string' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What stormctl -o json prints',
    description:
      'A line of a command that streams is a report; a command that ends prints one result or one failure. Fields and report types may be added within a version: a reader ignores what it does not know.',
    oneOf: [{ $ref: '#/$defs/report' }, { $ref: '#/$defs/result' }, { $ref: '#/$defs/failure' }],
    $defs: {
      report: { oneOf: sorted(report.getTypes().map(line), ({ title }) => title) },
      result: {
        type: 'object',
        title: 'result',
        description: 'What a command that ended well says, beside the fields of its own.',
        properties: { version, ok: { const: true } },
        required: ['version', 'ok'],
      },
      failure: {
        type: 'object',
        title: 'failure',
        description: 'Why a command could not do its work.',
        properties: {
          version,
          ok: { const: false },
          exitCode: { type: 'integer', description: 'As docs/exit-codes.md has it.' },
          errors: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                kind: types.schema(failureKind),
                message: string,
                where: string,
                detail: string,
                next: string,
              },
              required: ['kind', 'message'],
            },
          },
        },
        required: ['version', 'ok', 'exitCode', 'errors'],
      },
      ...Object.fromEntries(sorted(Object.entries(types.named), ([name]) => name)),
    },
  };
}

/** Turns types into schemas. Those that have a name are described once, in `named`. */
class Types {
  named = {};
  #checker;

  constructor(checker) {
    this.#checker = checker;
  }

  schema(type) {
    if (type.isUnionType()) return this.#union(type.getTypes());
    if (type.isLiteralType()) return { const: type.value };
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type);
      return { type: 'array', items: this.schema(item) };
    }
    if (type.isIntrinsicType() && ['string', 'number', 'boolean'].includes(type.intrinsicName))
      return { type: type.intrinsicName };
    if (type.isObjectType() || type.isIntersectionType()) return this.#reference(type);
    throw new Error(`no schema for ${this.#checker.typeToString(type)}`);
  }

  /** JSON leaves out what is undefined, so that a field which may be is one that need not be there. */
  object(type) {
    const properties = {};
    const required = [];
    for (const symbol of this.#checker.getPropertiesOfType(type)) {
      const all = this.#checker.getTypeOfSymbol(symbol);
      const parts = all.isUnionType() ? all.getTypes() : [all];
      const there = parts.filter((part) => !this.#isUndefined(part));
      const description = inOneLine(symbol.getDocumentationComment(this.#checker));
      const schema = there.length === 1 ? this.schema(there[0]) : this.#union(there);
      properties[symbol.name] = description === undefined ? schema : { ...schema, description };
      if (there.length === parts.length && (symbol.flags & SymbolFlags.Optional) === 0) required.push(symbol.name);
    }
    // A Record: whatever its keys are.
    if (Object.keys(properties).length === 0) return { type: 'object', additionalProperties: true };
    const name = nameOf(type);
    const description = name && inOneLine(type.getSymbol().getDocumentationComment(this.#checker));
    return { type: 'object', title: name, description, properties, required };
  }

  #reference(type) {
    const name = nameOf(type);
    if (name === undefined) return this.object(type);
    if (!(name in this.named)) {
      // Before it is described: it may name itself.
      this.named[name] = {};
      this.named[name] = this.object(type);
    }
    return { $ref: `#/$defs/${name}` };
  }

  #union(types) {
    const booleans = types.filter((type) => type.isBooleanLiteralType());
    const rest = types.filter((type) => !type.isBooleanLiteralType());
    if (booleans.length === 2 && rest.length === 0) return { type: 'boolean' };
    if (types.every((type) => type.isStringLiteralType())) return { enum: types.map((type) => type.value).sort() };
    return {
      anyOf: sorted(
        types.map((type) => this.schema(type)),
        JSON.stringify,
      ),
    };
  }

  #isUndefined(type) {
    return type.isIntrinsicType() && type.intrinsicName === 'undefined';
  }
}

/** The checker numbers types as it meets them, which is no order that lasts. */
function sorted(items, keyOf) {
  return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** @returns undefined for what is written in place. */
function nameOf(type) {
  const name = type.getSymbol()?.name;
  return name === undefined || name.startsWith('__') ? undefined : name;
}

function inOneLine(text) {
  return text === '' ? undefined : text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('`', '');
}

const text = `${JSON.stringify(reportSchema(), undefined, 2)}\n`;
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync('docs/report.schema.json', text);
