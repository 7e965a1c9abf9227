// Who is signed in, and what they may do. The site decides; this only keeps away what would be refused.
import { api, Refusal } from '../api/client';
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
      [this.me, this.asked] = [await api.me(), Date.now()];
      this.problem = null;
    } catch (error) {
      this.me = null;
      if (!(error instanceof Refusal && error.status === 401)) this.problem = error;
    }
    this.known = true;
  }
}

export const session = new Session();
