// A civil time at the site, as somebody types it, to the instant it means.
import { civil } from './format';

/** `2022-10-04T08:00` in a zone as RFC 3339 in UTC. A time that the clocks leap over becomes the one after the leap. */
export function instant(local: string, timeZone: string): string {
  const wanted = Date.parse(`${local}:00Z`);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local) || Number.isNaN(wanted)) throw new RangeError(`not a time: ${local}`);
  const clock = civil(timeZone);
  const read = (at: number): number => Date.parse(`${clock.date(at)}T${clock.time(at)}:00Z`);
  // The zone's offset is not known before the instant is: two rounds settle it, also next to a change of the clocks.
  let at = wanted;
  for (let round = 0; round < 2; round++) at += wanted - read(at);
  return new Date(at).toISOString();
}
