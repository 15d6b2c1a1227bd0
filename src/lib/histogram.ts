const growth = 1.04;
const logGrowth = Math.log(growth);
/** Up to 40 hours of milliseconds; values above are not told apart. */
const buckets = 480;

/**
 * How positive values are spread, in memory that does not grow with their number: buckets whose bounds are 4 % apart,
 * so that a quantile is within 2 % of the true one, and exact at the smallest and the largest value.
 */
export class Histogram {
  readonly #counts = new Uint32Array(buckets);
  #count = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = 0;

  get count(): number {
    return this.#count;
  }

  /** Below 1 they are not told apart. */
  add(value: number): void {
    const bucket = Math.min(buckets - 1, Math.max(0, Math.floor(Math.log(value) / logGrowth)));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#least = Math.min(this.#least, value);
    this.#most = Math.max(this.#most, value);
  }

  /** @param share 0.5 for the median, the lower one of two. @returns undefined while there is no value. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = Math.max(1, Math.ceil(share * this.#count));
    const bucket = this.#counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    const middle = bucket === buckets - 1 ? this.#most : growth ** (bucket + 0.5);
    return Math.min(this.#most, Math.max(this.#least, middle));
  }
}
