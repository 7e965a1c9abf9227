// Orders in force.
import type { OrderView } from '../api/types';

/** Orders that hold at this instant. */
export function inForce(orders: readonly OrderView[], now: string): OrderView[] {
  const at = Date.parse(now);
  return orders.filter(({ from, until }) => Date.parse(from) <= at && (until === null || at < Date.parse(until)));
}
