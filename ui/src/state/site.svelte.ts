// The site as it is now: read once, then kept up by the live stream. What is shown is never older than it says.
import { api, address, watchAnswers } from '../api/client';
import type { PointView, SiteView } from '../api/types';
import type { News } from '../lib/floor/feed.svelte';
import { setPresent } from '../lib/format';
import { added, joined, traceOf } from '../lib/trace';

/** Trace points read at once. */
const TRACE_POINTS = 1_440;
/** Without a word for so long, what is shown is old. */
export const SILENT_AFTER_MS = 5_000;
/** How long after a failure to try again, doubling up to the most. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 15_000;
/** How often a site that stopped answering is asked whether it does again. */
const ASK_AGAIN_MS = 3_000;
/**
 * A window that nobody has seen for so long gives its stream back: of a site without HTTP/2 a browser keeps six connections for all its
 * windows, and windows in the background would leave none for an emergency stop.
 */
const UNSEEN_MS = 5_000;
/** How long a window that is seen again may take to be up to date, until it says that it is not. */
const CATCH_UP_MS = 3_000;

type Changes = (news: News | 'resync') => void;

class LiveSite {
  view: SiteView | null = $state.raw(null);
  #trace = $state.raw(traceOf([]));
  /** Measured power against its limit, oldest first. */
  get trace(): readonly PointView[] {
    return this.#trace.points;
  }
  problem: unknown = $state.raw(null);
  /** Whether the last word came just now. */
  live = $state(false);
  /** How long no word has come, in seconds. */
  silent = $state(0);
  /** Whether any word ever came. */
  get known(): boolean {
    return this.view !== null;
  }
  /** When something new was last heard, by this browser's clock. */
  #heard = 0;
  /** Since when requests get no answer, by this browser's clock; null while they do. */
  unanswered: number | null = $state.raw(null);
  /** Whether what is shown is old: the stream says nothing new, or nothing is answered. */
  get gone(): boolean {
    return this.known ? !this.live && !this.#catchingUp : this.unanswered !== null;
  }
  /** Whether the window was unseen until just now. */
  #catchingUp = $state(false);

  /** The root of all circuits. */
  get connection(): string {
    return this.view?.connection ?? 'grid';
  }

  constructor() {
    watchAnswers((answers) => {
      if (answers) this.unanswered = null;
      else if (this.unanswered === null) {
        this.unanswered = Date.now();
        this.#askAgain();
      }
    });
  }

  /** Asks until there is an answer, for whoever has no stream that would tell. */
  #askAgain(): void {
    setTimeout(() => {
      if (this.unanswered === null) return;
      api.me().catch(() => undefined).finally(() => this.#askAgain());
    }, ASK_AGAIN_MS);
  }

  #source: EventSource | null = null;
  #retry = RETRY_MS;
  /** Counts beginnings and ends, so that no answer comes to who did not ask for it. */
  #turn = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  readonly #watchers = new Set<Changes>();

  /** Listens until the returned function is called, which forgets what was heard. `again` is called when the stream has been opened anew. */
  start(again: () => void): () => void {
    const tick = setInterval(() => {
      this.silent = (Date.now() - this.#heard) / 1_000;
      this.live = this.view !== null && Date.now() - this.#heard < SILENT_AFTER_MS;
    }, 1_000);
    this.#onAgain = again;
    this.#opened = false;
    this.#turn++;
    let unseen: ReturnType<typeof setTimeout> | undefined;
    let open = !document.hidden;
    if (open) void this.#open();
    const seen = (): void => {
      clearTimeout(unseen);
      if (document.hidden) {
        unseen = setTimeout(() => {
          this.#close();
          open = false;
        }, UNSEEN_MS);
      } else if (!open) {
        open = true;
        this.#catchingUp = this.known;
        unseen = setTimeout(() => (this.#catchingUp = false), CATCH_UP_MS);
        void this.#open();
      }
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      document.removeEventListener('visibilitychange', seen);
      clearInterval(tick);
      clearTimeout(unseen);
      this.#close();
      this.#catchingUp = false;
      [this.view, this.#trace, this.problem, this.live, this.silent] = [null, traceOf([]), null, false, 0];
    };
  }
  #close(): void {
    this.#turn++;
    clearTimeout(this.#waiting);
    clearTimeout(this.#refillTimer);
    this.#source?.close();
    [this.#source, this.#retry] = [null, RETRY_MS];
  }
  #onAgain: () => void = () => undefined;
  /** Whether the stream has been open before. */
  #opened = false;

  /** Calls for each change of machines, until the returned function is called. */
  onMachines(watcher: Changes): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async #open(): Promise<void> {
    const mine = this.#turn;
    try {
      const view = await api.site(TRACE_POINTS);
      if (mine !== this.#turn) return;
      this.#trace = this.known ? joined(view.trace, this.#trace) : traceOf(view.trace);
      this.#take(view);
      this.problem = null;
      this.#retry = RETRY_MS;
    } catch (error) {
      if (mine !== this.#turn) return;
      this.problem = error;
      this.#again();
      return;
    }
    const source = new EventSource(address('/stream'));
    this.#source = source;
    let broken = false;
    source.addEventListener('site', (event: MessageEvent<string>) => this.#take(JSON.parse(event.data) as SiteView));
    source.addEventListener('machines', (event: MessageEvent<string>) => {
      const news = JSON.parse(event.data) as News;
      for (const watcher of this.#watchers) watcher(news);
    });
    source.addEventListener('resync', () => this.#resync());
    // Also after the browser has come back by itself: what changed meanwhile was told to nobody.
    source.addEventListener('open', () => {
      this.#resync();
      if (this.#opened) this.#onAgain();
      this.#opened = true;
      if (broken) void this.#refill(source);
      broken = false;
    });
    source.addEventListener('error', () => {
      broken = true;
      // A browser tries again by itself while the connection comes and goes; an answer that is no stream ends it.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#again();
    });
  }

  #refillTimer: ReturnType<typeof setTimeout> | undefined;

  /** Reads what was measured while the stream was broken: a gap would say that the meter was silent. */
  async #refill(source: EventSource): Promise<void> {
    clearTimeout(this.#refillTimer);
    if (this.#source !== source) return;
    try {
      const { trace } = await api.site(TRACE_POINTS);
      if (this.#source === source) this.#trace = joined(trace, this.#trace);
    } catch {
      this.#refillTimer = setTimeout(() => void this.#refill(source), RETRY_MAX_MS);
    }
  }

  #resync(): void {
    for (const watcher of this.#watchers) watcher('resync');
  }

  #again(): void {
    this.#source?.close();
    this.#source = null;
    this.#waiting = setTimeout(() => void this.#open(), this.#retry);
    this.#retry = Math.min(RETRY_MAX_MS, this.#retry * 2);
  }

  #take(view: SiteView): void {
    // A stream that repeats itself says that its site stands still: what it tells is no newer than the last that was new.
    if (view.at !== this.view?.at) this.#heard = Date.now();
    this.live = Date.now() - this.#heard < SILENT_AFTER_MS;
    if (this.live) this.#catchingUp = false;
    this.view = view;
    setPresent(view.at);
    const point = { at: view.at, power_kw: view.power_kw, limit_kw: view.limit?.limit_kw ?? null, source: view.limit?.source ?? null };
    this.#trace = added(this.#trace, point);
  }
}

export const site = new LiveSite();
