// Orders in force, and those that are announced.
import type { OrderView } from '../api/types';

/** Orders that hold at this instant. */
export function inForce(orders: readonly OrderView[], now: string): OrderView[] {
  const at = Date.parse(now);
  return orders.filter(({ from, until }) => Date.parse(from) <= at && (until === null || at < Date.parse(until)));
}

/** Whether an order is given for later. One without a beginning of its own holds from when it is given, which may be newer than the last word of the site. */
export function isAnnounced(order: Pick<OrderView, 'from'>, begins: string | undefined, now: string): boolean {
  return begins !== undefined && Date.parse(order.from) > Date.parse(now);
}
