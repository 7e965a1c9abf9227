// What a machine was asked: the book's records, one command together.
import type { CommandRecord } from '../api/types';

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
