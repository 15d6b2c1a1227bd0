import { isRecord } from '../lib/is-record.ts';
import type { Mask } from '../lib/mask.ts';
import { MaskedPieces } from '../lib/masked-pieces.ts';
import { maskSecrets } from '../manifests/render-yaml.ts';
import { secretValues } from '../manifests/secret-values.ts';
import type { KubeObject } from '../objects.ts';

/** Holds the whole object, a Secret's values too. */
const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** What is hidden in all that goes to others: what the Secrets hold that it has learned. */
export class Redaction {
  readonly #mask: Mask;
  /** Short ones too: a mask passes them over. */
  readonly #values = new Set<string>();

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** Learns what the Secrets among the objects hold. */
  learn(objects: readonly KubeObject[]): void {
    const values = secretValues(objects);
    this.#mask.learn(values);
    for (const value of values) if (value.length > 0) this.#values.add(value.toString('utf8'));
  }

  text(text: string): string {
    return this.#mask.apply(text);
  }

  /** For a text that comes in pieces. */
  pieces(): MaskedPieces {
    return new MaskedPieces(this.#mask);
  }

  /**
   * @returns the object without the values of Secrets: of itself, in environment variables, and wherever else the mask
   * finds them. What says who wrote which field is left out.
   */
  object(object: KubeObject): KubeObject {
    const { managedFields: _, annotations, ...metadata } = object.metadata;
    const kept = Object.entries(annotations ?? {}).filter(([key]) => key !== appliedAnnotation);
    const lean = {
      ...maskSecrets(object),
      metadata: annotations ? { ...metadata, annotations: Object.fromEntries(kept) } : metadata,
    };
    return this.#redact(lean) as KubeObject;
  }

  #redact(value: unknown): unknown {
    if (typeof value === 'string') return this.#mask.apply(value);
    if (Array.isArray(value)) return value.map((item: unknown) => this.#redact(item));
    if (!isRecord(value)) return value;
    const { name, value: text } = value;
    if (typeof name === 'string' && typeof text === 'string' && this.#values.has(text))
      return { ...value, value: '***' };
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#redact(item)]));
  }
}
