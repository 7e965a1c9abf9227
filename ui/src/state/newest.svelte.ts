// A list of the book's entries, newest first: its head read again every few seconds, the rest when somebody asks.
import { extended, renewed, type Page } from '../lib/newest';

export class Newest<T extends { seq: number }> {
  page: Page<T> | null = $state.raw(null);
  problem: unknown = $state.raw(null);
  busy = $state(false);
  hasOlder = $derived((this.page?.next ?? null) !== null);
  readonly #read: (before: number | null) => Promise<Page<T>>;

  constructor(read: (before: number | null) => Promise<Page<T>>) {
    this.#read = read;
  }

  /** Reads until the returned function is called. */
  watch(everyMs: number): () => void {
    const news = (): void => {
      this.#read(null)
        .then((page) => ([this.page, this.problem] = [renewed(this.page, page), null]))
        .catch((error: unknown) => (this.problem = error));
    };
    news();
    const timer = setInterval(news, everyMs);
    return () => clearInterval(timer);
  }

  /** Reads the page after what is there. */
  async older(): Promise<void> {
    const before = this.page?.next ?? null;
    if (this.busy || before === null) return;
    this.busy = true;
    try {
      const page = await this.#read(before);
      // Meanwhile the list may have begun anew.
      if (this.page?.next === before) this.page = extended(this.page, page);
      this.problem = null;
    } catch (error) {
      this.problem = error;
    }
    this.busy = false;
  }
}
