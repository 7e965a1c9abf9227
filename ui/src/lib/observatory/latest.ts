// While somebody moves a slider: one request in flight, and of those asked meanwhile only the last.

export class Latest<A, R> {
  readonly #run: (asked: A) => Promise<R>;
  readonly #done: (result: R, asked: A) => void;
  readonly #failed: (error: unknown) => void;
  #busy = false;
  #waiting: { asked: A } | null = null;
  #stopped = false;

  constructor(run: (asked: A) => Promise<R>, done: (result: R, asked: A) => void, failed: (error: unknown) => void) {
    this.#run = run;
    this.#done = done;
    this.#failed = failed;
  }

  ask(asked: A): void {
    if (this.#busy) this.#waiting = { asked };
    else void this.#go(asked);
  }

  /** Nobody looks any more: what is in flight is not told. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = null;
  }

  async #go(asked: A): Promise<void> {
    this.#busy = true;
    try {
      const result = await this.#run(asked);
      if (!this.#stopped) this.#done(result, asked);
    } catch (error) {
      // An error of what nobody asks any more is no news.
      if (!this.#stopped && this.#waiting === null) this.#failed(error);
    }
    this.#busy = false;
    const next = this.#waiting;
    this.#waiting = null;
    if (next !== null) void this.#go(next.asked);
  }
}
