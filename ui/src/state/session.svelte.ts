// Who is signed in, and what they may do. The site decides; this only keeps away what would be refused.
import { api, keepSession, Refusal } from '../api/client';
import type { Me } from '../api/types';
import { mayOpen, mayOrder } from '../lib/rights';
import type { Page } from '../lib/route';

class Session {
  me: Me | null = $state.raw(null);
  /** Whether the site has been asked. */
  known = $state(false);
  problem: unknown = $state.raw(null);
  /** By this computer's clock. */
  private asked = 0;
  /** The name of whoever has just set a password by a link. */
  fresh: string | null = $state(null);
  /** Whether somebody was signed in here whose session has ended since. */
  over = $state(false);
  #asking: Promise<boolean> | null = null;

  constructor() {
    keepSession({ ended: () => void this.renew(), renewed: () => this.renew() });
  }

  may(permission: string): boolean {
    return this.me?.permissions.includes(permission) ?? false;
  }

  /** The plant's time, for who does not see the site as a whole, which tells it each second. */
  now(): string {
    const me = this.me;
    return new Date(me === null ? Date.now() : Date.parse(me.at) + (Date.now() - this.asked) * me.speed).toISOString();
  }

  /** Whether they may give and lift orders of a kind; without one, of any kind at all. */
  mayOrder(kind?: string): boolean {
    return mayOrder((permission) => this.may(permission), kind);
  }

  /** Whether they may open a page. */
  mayOpen(page: Page): boolean {
    return mayOpen((permission) => this.may(permission), this.me?.owner ?? null, page);
  }

  /** Signs out. Everything that was shown is forgotten with the page. */
  async leave(): Promise<void> {
    try {
      await api.signOut();
    } finally {
      api.forget();
      location.assign('/');
    }
  }

  /** Asks the site who we are. */
  async ask(): Promise<void> {
    try {
      this.#take(await api.me());
    } catch (error) {
      this.me = null;
      if (!(error instanceof Refusal && error.status === 401)) this.problem = error;
    }
    this.known = true;
  }

  /**
   * Asks again who is signed in, with which rights and which word against forged changes: another window of this browser, or somebody
   * who keeps the people, may have changed it. Says whether it is the same person. Without an answer all stays as it was.
   */
  renew(): Promise<boolean> {
    this.#asking ??= this.#renew().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #renew(): Promise<boolean> {
    const before = this.me?.name ?? null;
    try {
      const me = await api.me();
      // What was kept is what the one before was shown.
      if (me.name !== before) api.forget();
      this.#take(me);
      return me.name === before;
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) {
        if (before !== null) this.over = true;
        this.me = null;
        api.forget();
      }
      return false;
    }
  }

  #take(me: Me): void {
    api.actAs(me);
    [this.me, this.asked, this.problem, this.over] = [me, Date.now(), null, false];
  }
}

export const session = new Session();
