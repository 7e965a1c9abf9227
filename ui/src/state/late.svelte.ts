// What came of something whose window was closed before it was known: told above the page until somebody has read it.

export interface Late {
  readonly id: number;
  /** `warn`: it was done, and is not as it should be. */
  tone: 'good' | 'warn' | 'bad';
  /** What became of it, in a sentence. */
  text: string;
  /** What to do about it, if anything. */
  hint: string | null;
  error: unknown;
}
/** So many at once are read; of more, the oldest are no news. */
const MOST = 4;

class LateNews {
  all: readonly Late[] = $state.raw([]);
  #last = 0;

  tell(tone: Late['tone'], text: string, hint: string | null = null, error: unknown = null): void {
    this.all = [...this.all, { id: ++this.#last, tone, text, hint, error }].slice(-MOST);
  }

  read(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }
}

export const late = new LateNews();
