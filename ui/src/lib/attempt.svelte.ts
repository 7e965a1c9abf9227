// Something that is sent from a window which may be closed, or opened for something else, before the answer comes.

export class Attempt<T> {
  /** What was sent last from the window that is open now. */
  sent: T | null = $state.raw(null);
  busy = $state(false);
  done = $state(false);
  problem: unknown = $state.raw(null);
  #window = 0;

  /** Another window, or none: what was sent before is no longer its matter. */
  anew(): void {
    this.#window++;
    [this.sent, this.busy, this.done, this.problem] = [null, false, false, null];
  }

  /**
   * Sends it, and says whether it came through to the window that is still open. What became of it after that window was closed is
   * told to `late`: without an error, that it was done.
   */
  async send(what: T, work: () => Promise<unknown>, late: (what: T, problem: unknown) => void): Promise<boolean> {
    if (this.busy) return false;
    const mine = this.#window;
    [this.sent, this.busy, this.problem] = [what, true, null];
    let problem: unknown = null;
    try {
      await work();
    } catch (error) {
      problem = error;
    }
    if (mine !== this.#window) {
      late(what, problem);
      return false;
    }
    [this.busy, this.done, this.problem] = [false, problem === null, problem];
    return this.done;
  }
}
