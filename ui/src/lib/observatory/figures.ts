// Numbers of the observatory. Their units stand beside them or at the head of their column.
import { UNKNOWN } from '../format';

/** Three figures or a little more, without a unit. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value);
  const digits = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : size >= 0.001 ? 4 : 6;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A price of power: a column of them has the same digits. */
export function price(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? UNKNOWN : value.toFixed(4);
}

/** A tick of an axis: short, since it has little room. */
export function tick(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '';
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(0).replace('e-', 'e−');
  return value.toLocaleString('en', size >= 100_000 ? { notation: 'compact', maximumFractionDigits: 1 } : { maximumFractionDigits: 3 });
}

/** With a sign, for what is more or less. */
export function signed(value: number | null | undefined): string {
  const text = figure(value);
  return value !== null && value !== undefined && value > 0 ? `+${text}` : text;
}

/** A text that may be missing. */
export function known(text: string | number | null | undefined): string {
  return text === null || text === undefined || text === '' ? UNKNOWN : String(text);
}
