// Reports as people read them: cells with their units, and what their chart draws.
import type { ReportCell, ReportView } from '../api/types-records';
import { energy, millionths, UNKNOWN } from './format';

export const ABOUTS = ['energy', 'availability', 'hash'] as const;
export const BYS = ['day', 'hour', 'hall', 'circuit', 'owner', 'model', 'machine'] as const;
export type About = (typeof ABOUTS)[number];
export type By = (typeof BYS)[number];

/** What tells of owners and their machines: not for who sees the site as a whole without its machines. */
const OF_SOMEONE: readonly By[] = ['owner', 'model', 'machine'];

/** What a report may be by, for who sees machines or not. */
export function offered(machines: boolean): readonly By[] {
  return machines ? BYS : BYS.filter((by) => !OF_SOMEONE.includes(by));
}

/** What is asked for, as the address has it. */
export interface Choice {
  about: About;
  by: By | '';
  and: By | '';
  /** Days, or empty. */
  from: string;
  to: string;
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Reads a choice from an address; `first` is what a report is by where it does not say, or says what is not offered. */
export function chosen(query: URLSearchParams, first: By, bys: readonly By[] = BYS): Choice {
  const one = <T extends string>(key: string, known: readonly T[]): T | undefined => known.find((name) => name === query.get(key));
  const day = (key: string): string => (DAY.test(query.get(key) ?? '') ? (query.get(key) ?? '') : '');
  const by = query.get('by') === 'all' ? '' : (one('by', bys) ?? first);
  const and = one('and', bys) ?? '';
  return { about: one('about', ABOUTS) ?? 'energy', by, and: and === by ? '' : and, from: day('from'), to: day('to') };
}

/** A choice for an address. What is the rule is left out. */
export function choiceQuery(choice: Choice, first: By): Record<string, string> {
  const { about, by, and, from, to } = choice;
  return { about: about === 'energy' ? '' : about, by: by === first ? '' : by === '' ? 'all' : by, and, from, to };
}

/** A choice as the API takes it; null for one day alone, which is no span yet. */
export function asked(choice: Choice): { by: string; from: string; to: string } | null {
  const { by, and, from, to } = choice;
  if ((from === '') !== (to === '')) return null;
  const midnight = (day: string): string => (day === '' ? '' : `${day}T00:00`);
  return { by: [by, and].filter((name) => name !== '').join(','), from: midnight(from), to: midnight(to) };
}

/** Lines that a chart draws at most: more are a table only. */
const BARS_MAX = 200;
/** Lines that a table shows at most; the files have all. */
export const LINES_MAX = 500;

/** Where a machine's time goes, in the order in which it is stacked. */
const TIMES = ['hashing_s', 'starting_s', 'outside_hours_s', 'ordered_s', 'price_s', 'fault_s', 'unreachable_s', 'maintenance_s', 'no_data_s'] as const;

/** What a meter wrote last may be so much younger than now. */
const WRITTEN_AFTER_MS = 120_000;

/** Of a span's missing seconds those that were to be recorded by now: hours to come are not missing. */
export function gap(missingS: number, from: string, until: string, now: string | null): number {
  if (now === null) return missingS;
  const written = Date.parse(now) - WRITTEN_AFTER_MS;
  const toCome = Math.max(0, Date.parse(until) - Math.max(Date.parse(from), written)) / 1_000;
  return Math.max(0, Math.round(missingS - toCome));
}

/** Hours with one decimal. */
function hours(seconds: number): string {
  return `${(seconds / 3600).toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} h`;
}

/** A cell with its unit, which its column's name ends with. */
export function cell(column: string, value: ReportCell | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (typeof value === 'string') return value;
  if (column.endsWith('_wh')) return energy(value / 1000);
  if (column.endsWith('_s')) return hours(value);
  if (column.endsWith('_ppm')) return millionths(value);
  if (column.endsWith('_gh')) return `${(value / 1e9).toLocaleString('en', { maximumFractionDigits: 3 })} EH`;
  return value.toLocaleString('en');
}

/** Whether a column holds names. */
export function isName(view: ReportView, column: string): boolean {
  return view.by.includes(column);
}

export interface Bar {
  label: string;
  /** One value a part, in the order of the parts. */
  values: number[];
  /** The value in words. */
  text: string;
}

/** What is drawn: one bar a line. `null` for a report of too many lines, or without any. */
export function bars(view: ReportView): { parts: string[]; bars: Bar[]; most: number } | null {
  if (view.lines.length === 0 || view.lines.length > BARS_MAX) return null;
  const main = view.about === 'energy' ? 'energy_wh' : 'hashes_gh';
  const parts: string[] = view.about === 'availability' ? [...TIMES] : [main];
  const made = view.lines.map((line) => {
    const values = parts.map((part) => Number(line[part] ?? 0));
    const label = view.by.map((by) => cell(by, line[by])).join(' · ') || view.about;
    const told = view.about === 'availability' ? 'availability_ppm' : main;
    return { label, values, text: cell(told, line[told]) };
  });
  const sum = (bar: Bar): number => bar.values.reduce((all, value) => all + value, 0);
  return { parts, bars: made, most: Math.max(...made.map(sum), 1) };
}
