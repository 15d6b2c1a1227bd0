/**
 * How kubectl reads a plain YAML scalar: the rules of its parser, goyaml.v2 (sigs.k8s.io/yaml), which are neither YAML 1.1
 * nor 1.2: `0644` and `0o644` are 420, `yes`, `on` and `y` are true, `08` is 8, but `12:30:00` and dates stay text.
 */
export type KubeScalar = string | number | bigint | boolean | null;

const booleans = new Map<string, boolean>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
]);
const nulls = new Set(['', '~', 'null', 'Null', 'NULL']);
const specialFloat = /^(?:\.nan|\.NaN|\.NAN|[-+]?\.(?:inf|Inf|INF))$/;
const decimalFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const radixes: readonly (readonly [RegExp, prefix: string])[] = [
  [/^[-+]?(?:0|[1-9][0-9]*)$/, ''],
  [/^[-+]?0[xX][0-9a-fA-F]+$/, '0x'],
  [/^[-+]?0[oO]?[0-7]+$/, '0o'],
  [/^[-+]?0[bB][01]+$/, '0b'],
];

/** @returns what kubectl makes of a scalar without quotes; NaN and ±Infinity for those that it then refuses. */
export function readKubeScalar(text: string): KubeScalar {
  if (nulls.has(text)) return null;
  const boolean = booleans.get(text);
  if (boolean !== undefined) return boolean;
  if (specialFloat.test(text)) return text.toLowerCase() === '.nan' ? Number.NaN : Number.POSITIVE_INFINITY;
  if (!/^[-+.0-9]/.test(text)) return text;
  // goyaml drops underscores from numbers, but from those that begin with a dot.
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  return readInteger(plain) ?? readFloat(plain) ?? text;
}

/** What fits into 64 bits keeps its digits; kubectl turns more than an int64 holds into a float. */
function readInteger(plain: string): number | bigint | undefined {
  const radix = radixes.find(([pattern]) => pattern.test(plain));
  if (!radix) return undefined;
  const digits = plain.replace(/^[-+]?(?:0[xXoObB]?(?=.))?/, '');
  const size = BigInt(radix[1] + digits);
  const value = plain.startsWith('-') ? -size : size;
  if (value < -(2n ** 63n) || value >= 2n ** 64n) return undefined;
  if (value >= 2n ** 63n || (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER))
    return Number(value);
  return value;
}

function readFloat(plain: string): number | undefined {
  if (!decimalFloat.test(plain)) return undefined;
  const value = Number(plain);
  // `-0.0` reaches the API server as 0, and 1e400 as text: Go's ParseFloat refuses what overflows.
  return Number.isFinite(value) ? value + 0 : undefined;
}
