// How alerts look: a sign beside each colour, machines as links, and for how long one may be quiet.
import type { AlertView } from '../api/types-alerts';

/** Minutes for which an alert may be let be: one hour, a shift, a day. */
export const SNOOZES = [60, 480, 1_440] as const;

export function toneOf(severity: AlertView['severity']): 'bad' | 'warn' | '' {
  return severity === 'critical' ? 'bad' : severity === 'warning' ? 'warn' : '';
}

export function signOf(severity: AlertView['severity']): string {
  return severity === 'critical' ? '■' : severity === 'warning' ? '▲' : '○';
}

/** A stretch of an alert's text, and the machine that it names, if it names one. */
export interface Piece {
  text: string;
  machine: string | null;
}

/** An alert's text, split where it names one of its machines. Of ids that begin alike the longest is meant. */
export function pieces({ text, named }: Pick<AlertView, 'text' | 'named'>): Piece[] {
  const ids = [...named].sort((a, b) => b.length - a.length);
  const within = /[\p{L}\p{N}_/-]/u;
  const found: Piece[] = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const id = within.test(text.charAt(at - 1)) ? undefined : ids.find((id) => text.startsWith(id, at) && !within.test(text.charAt(at + id.length)));
    if (id === undefined) {
      plain += text.charAt(at);
      at++;
      continue;
    }
    if (plain !== '') found.push({ text: plain, machine: null });
    found.push({ text: id, machine: id });
    plain = '';
    at += id.length;
  }
  if (plain !== '') found.push({ text: plain, machine: null });
  return found;
}

/** Machines of an alert that its text does not name, the first of them, and how many it has besides. */
export function besides(alert: Pick<AlertView, 'text' | 'named' | 'machines'>, most: number): { shown: string[]; more: number } {
  const told = new Set(pieces(alert).flatMap(({ machine }) => machine ?? []));
  const shown = alert.named.filter((id) => !told.has(id)).slice(0, most);
  return { shown, more: Math.max(0, alert.machines - told.size - shown.length) };
}

/** Alerts that nobody has seen to, of those that hold. */
export function unseen(alerts: readonly AlertView[]): AlertView[] {
  return alerts.filter((alert) => alert.state === 'open');
}

/** What can still be done about an alert that holds: seen to by somebody, and quiet for a while, each beside the other. */
export function choices(alert: Pick<AlertView, 'acknowledged_by' | 'snoozed_until'>, now: string): { see: boolean; quiet: boolean } {
  const quiet = alert.snoozed_until !== null && Date.parse(alert.snoozed_until) > Date.parse(now);
  return { see: alert.acknowledged_by === null, quiet: !quiet };
}
