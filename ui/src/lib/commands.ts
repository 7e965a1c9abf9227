// What a machine was asked: the book's records, one command together.
import type { AuditView, CommandRecord } from '../api/types';

export interface Asked {
  generation: number;
  action: string;
  /** Its steps, in order of time. */
  records: CommandRecord[];
}

function rank(record: CommandRecord): number {
  return record.state === 'issued' ? 0 : record.state === 'accepted' ? 1 : 2;
}

/** Groups records, which come newest first: newest command first. */
export function group(records: readonly CommandRecord[]): Asked[] {
  const groups = new Map<number, Asked>();
  for (const record of records) {
    const known = groups.get(record.generation);
    if (known) known.records.unshift(record);
    else groups.set(record.generation, { generation: record.generation, action: record.action, records: [record] });
  }
  // A step is written when its second ends, so their times alone do not order them.
  for (const { records: steps } of groups.values()) steps.sort((a, b) => rank(a) - rank(b) || Date.parse(a.at) - Date.parse(b.at));
  return [...groups.values()];
}

/** What somebody asks of one machine by hand, as the audit chain calls it. */
const BY_HAND = ['restart', 'pools', 'blink', 'blink no more'];

/** What was asked of a machine: by the dispatch, with its steps, or by somebody's hand. */
export type Line = { at: string; asked: Asked } | { at: string; deed: AuditView };

/** Both in one list, newest first. */
export function lines(records: readonly CommandRecord[], deeds: readonly AuditView[], machine: string): Line[] {
  const asked = group(records).map((asked) => ({ at: asked.records[0]?.at ?? '', asked }));
  const byHand = deeds.filter(({ what, subject }) => subject === machine && BY_HAND.includes(what)).map((deed) => ({ at: deed.at, deed }));
  return [...asked, ...byHand].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}
