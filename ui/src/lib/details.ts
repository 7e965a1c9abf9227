// What a full reading of a machine lists: its boards, fans, pools and faults, as tables.
import { UNKNOWN } from './format';

export interface Table {
  name: string;
  columns: string[];
  rows: string[][];
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 2 });
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** One table for each list that has something in it; a column that no row fills is left out. */
export function tables(details: Record<string, unknown> | null): Table[] {
  return Object.entries(details ?? {}).flatMap(([name, list]) => {
    if (!Array.isArray(list) || list.length === 0) return [];
    const rows = (list as unknown[]).map((row): Record<string, unknown> => (typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : { [name]: row }));
    const columns = Object.keys(rows[0] ?? {}).filter((column) => rows.some((row) => row[column] !== null && row[column] !== undefined));
    return columns.length === 0 ? [] : [{ name, columns, rows: rows.map((row) => columns.map((column) => cell(row[column]))) }];
  });
}
