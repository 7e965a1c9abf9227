// The alerts that hold, read again every few seconds for whoever shows them: the navigation, Now, a machine's page.
import { api } from '../api/client';
import type { AlertView } from '../api/types-alerts';
import { unseen } from '../lib/alerts';

const EVERY_MS = 5_000;

class LiveAlerts {
  /** Everything that holds, the most severe first; null while it is not known. */
  holding: AlertView[] | null = $state.raw(null);
  /** Of these, what nobody has seen to. */
  open: AlertView[] | null = $derived(this.holding === null ? null : unseen(this.holding));

  /** Reads until the returned function is called. */
  watch(): () => void {
    const timer = setInterval(() => void this.read(), EVERY_MS);
    void this.read();
    return () => {
      clearInterval(timer);
      this.holding = null;
    };
  }

  async read(): Promise<void> {
    try {
      this.holding = (await api.alerts()).alerts;
    } catch {
      // What was known is no longer so.
      this.holding = null;
    }
  }
}

export const alerts = new LiveAlerts();
