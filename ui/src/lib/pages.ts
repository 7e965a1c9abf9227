// A long list of which only the part in sight is fetched: pages by number, a few kept.

/** Rows on a page. */
export const PAGE_ROWS = 100;
/** Pages kept at most. */
const KEPT_MAX = 40;

export interface Slice<T> {
  total: number;
  rows: T[];
}

export type Fetch<T> = (skip: number, limit: number, signal: AbortSignal) => Promise<Slice<T>>;

/** What is known of the list. Rows that are not there yet are null. */
export class Pages<T> {
  total: number | null = null;
  readonly #kept = new Map<number, T[]>();
  readonly #asked = new Map<number, AbortController>();
  readonly #fetch: Fetch<T>;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;

  constructor(fetch: Fetch<T>, changed: () => void, failed: (error: unknown) => void) {
    this.#fetch = fetch;
    this.#changed = changed;
    this.#failed = failed;
  }

  row(n: number): T | null {
    return this.#kept.get(Math.floor(n / PAGE_ROWS))?.[n % PAGE_ROWS] ?? null;
  }

  /** Fetches what is not there of these rows; anew if asked to. Pages out of sight are not waited for. */
  want(first: number, last: number, anew = false): void {
    const [from, to] = [Math.floor(Math.max(0, first) / PAGE_ROWS), Math.floor(Math.max(0, last) / PAGE_ROWS)];
    for (const [page, asked] of this.#asked) {
      if (page < from || page > to) {
        asked.abort();
        this.#asked.delete(page);
      }
    }
    for (let page = from; page <= to; page++) {
      if (!this.#asked.has(page) && (anew || !this.#kept.has(page))) void this.#read(page);
    }
  }

  /** Nobody looks any more. */
  stop(): void {
    for (const asked of this.#asked.values()) asked.abort();
    this.#asked.clear();
  }

  async #read(page: number): Promise<void> {
    const asked = new AbortController();
    this.#asked.set(page, asked);
    try {
      const { total, rows } = await this.#fetch(page * PAGE_ROWS, PAGE_ROWS, asked.signal);
      this.total = total;
      this.#kept.delete(page);
      this.#kept.set(page, rows);
      const oldest = this.#kept.keys().next();
      if (this.#kept.size > KEPT_MAX && !oldest.done) this.#kept.delete(oldest.value);
      this.#changed();
    } catch (error) {
      if (!asked.signal.aborted) this.#failed(error);
    }
    if (this.#asked.get(page) === asked) this.#asked.delete(page);
  }
}

/** Which rows are in sight, with some beyond on both sides. */
export function inSight(scroll: number, height: number, row: number, total: number, beyond = 8): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scroll / row) - beyond);
  const last = Math.min(Math.max(0, total - 1), Math.ceil((scroll + height) / row) + beyond);
  return { first: Math.min(first, last), last };
}
