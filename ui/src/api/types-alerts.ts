// What the API says of alerts.

/** Everything that one cause explains. */
export interface AlertView {
  id: number;
  rule: string;
  cause: string;
  severity: 'notice' | 'warning' | 'critical';
  state: 'open' | 'acknowledged' | 'snoozed' | 'over';
  text: string;
  machines: number;
  /** Ids of machines that it is about, not all of very many. */
  named: string[];
  since: string;
  acknowledged_by: string | null;
  snoozed_until: string | null;
  note: string | null;
  over: string | null;
}

/** A way to somebody and how it works. */
export interface ChannelView {
  name: string;
  sent: string | null;
  error: string | null;
}

export interface AlertsView {
  alerts: AlertView[];
  channels: ChannelView[];
}
