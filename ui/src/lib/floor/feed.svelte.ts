// Where the machines stand and how each is, read together and kept up by what the stream tells. Letters are of places in the order
// of the floor: those of one site file are nothing to the places of another.
import type { FloorView, StatesView } from '../../api/types';
import { changed } from './colours';

/** What the stream tells: machines that changed state up to an instant. */
export interface News {
  at: string;
  changed: readonly (readonly [number, string])[];
}
interface Reads {
  floor: () => Promise<FloorView>;
  states: () => Promise<StatesView>;
}

/** An answer is at most a few seconds older than the newest news; the stream tells one a second. */
const NEWS_MAX = 60;
/** How long after a failure to read again. */
const AGAIN_MS = 2_000;

/** States with what was told of instants from theirs on: they may have been read before it. */
export function caughtUp(states: StatesView, news: readonly News[]): StatesView {
  const at = Date.parse(states.at);
  return news.filter((one) => Date.parse(one.at) >= at).reduce((now, one) => changed(now, one.changed), states);
}

export class Feed {
  floor: FloorView | null = $state.raw(null);
  states: StatesView | null = $state.raw(null);
  problem: unknown = $state.raw(null);
  readonly #reads: Reads;
  #news: News[] = [];
  #turn = 0;
  #busy = false;
  /** Whether the places may be others than those that are shown. */
  #moved = true;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** Reads everything: at first, and when what was told may have been missed or be of another start of the site. */
  anew(): void {
    [this.#moved, this.#news] = [true, []];
    void this.#read();
  }

  /** Reads how the machines are; what is under way is no longer waited for where other columns are wanted. */
  values(others: boolean): void {
    if (others || !this.#busy) void this.#read();
  }

  /** What the stream tells. Of places that are not known to be the same it is shown when they are. */
  take(news: News): void {
    this.#news = [...this.#news.slice(1 - NEWS_MAX), news];
    if (this.states && !this.#moved) this.states = changed(this.states, news.changed);
  }

  /** Nobody looks any more. */
  stop(): void {
    this.#turn++;
    clearTimeout(this.#again);
  }

  async #read(): Promise<void> {
    const mine = ++this.#turn;
    clearTimeout(this.#again);
    this.#busy = true;
    try {
      const asked = this.floor === null || this.#moved ? this.#reads.floor() : this.floor;
      const [floor, states] = await Promise.all([asked, this.#reads.states()]);
      if (mine !== this.#turn) return;
      // One was read before a new start of the site and the other after it.
      if (states.state.length !== floor.id.length) throw new RangeError(`${floor.id.length} places, but states of ${states.state.length}`);
      if (this.floor === null || !alike(this.floor, floor)) this.floor = floor;
      [this.states, this.problem, this.#moved] = [caughtUp(states, this.#news), null, false];
    } catch (error) {
      if (mine !== this.#turn) return;
      this.problem = error;
      this.#again = setTimeout(() => void this.#read(), AGAIN_MS);
    }
    this.#busy = false;
  }
}

/** The same floor stays the same object: what is worked out of it, and where one looks at it, stays. */
function alike(one: FloorView, other: FloorView): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
