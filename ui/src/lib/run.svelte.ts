// One thing done to many, one after the other. What is meant is fixed when it begins; how far it came is known all the time.

export class Run<T> {
  readonly targets: readonly T[];
  /** How many it was done to. */
  done = $state(0);
  busy = $state(false);
  /** Somebody wanted no more of it before it was through. */
  ended = $state(false);
  problem: unknown = $state.raw(null);

  constructor(targets: readonly T[]) {
    this.targets = [...targets];
  }

  get through(): boolean {
    return this.done === this.targets.length;
  }

  /** Goes on where it stands, until it is through, one fails or somebody ends it. */
  async go(work: (target: T) => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    [this.busy, this.ended, this.problem] = [true, false, null];
    try {
      for (const target of this.targets.slice(this.done)) {
        if (!this.#wanted()) break;
        await work(target);
        this.done++;
      }
    } catch (error) {
      this.problem = error;
    }
    this.busy = false;
  }

  #wanted(): boolean {
    return !this.ended;
  }

  /** Nothing more is begun; what is under way comes to its end. */
  end(): void {
    if (this.busy) this.ended = true;
  }
}
