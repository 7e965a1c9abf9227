// How alerts look: a sign beside each colour, and for how long one may be quiet.
import type { AlertView } from '../api/types';

/** Minutes for which an alert may be let be: one hour, a shift, a day. */
export const SNOOZES = [60, 480, 1_440] as const;

export function toneOf(severity: AlertView['severity']): 'bad' | 'warn' | '' {
  return severity === 'critical' ? 'bad' : severity === 'warning' ? 'warn' : '';
}

export function signOf(severity: AlertView['severity']): string {
  return severity === 'critical' ? '■' : severity === 'warning' ? '▲' : '○';
}
