// Orders in force, and who gave them: an order has a number and a limit, the record of what was ordered has the name and why.
import type { OrderView } from '../api/types';
import type { OrderDeedView } from '../api/types-records';

/** Orders that hold at this instant. */
export function inForce(orders: readonly OrderView[], now: string): OrderView[] {
  const at = Date.parse(now);
  return orders.filter(({ from, until }) => Date.parse(from) <= at && (until === null || at < Date.parse(until)));
}

/** `wish, at most 42.3 kW from 2022-10-03T12:00:00Z until it is lifted: why`, as an order is recorded. */
const RECORD = /^(\S+), (?:at most|setpoint) ([\d.]+) (kW|mW)(?:, mean of \d+ min)? from (\S+) until (?:it is lifted|\S+?)(?:: (.*))?$/s;

/** Who gave an order and why, by the record; null where that does not have it. */
export function giver(order: OrderView, deeds: readonly OrderDeedView[]): { who: string; why: string } | null {
  for (const { what, subject, who, why } of deeds) {
    const found = what === 'order' && subject === order.circuit ? RECORD.exec(why) : null;
    if (!found) continue;
    const [, kind, figure, unit, from, reason] = found;
    const kw = Number(figure) / (unit === 'mW' ? 1_000_000 : 1);
    const same = kind === order.kind && Math.abs(kw - order.limit_kw) < 1e-6 && Math.abs(Date.parse(from ?? '') - Date.parse(order.from)) <= 1_000;
    if (same) return { who, why: reason ?? '' };
  }
  return null;
}
