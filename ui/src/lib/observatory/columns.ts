// Columns of estimates: put on common days, averaged by year, asked for by method.

export interface Curve {
  date: readonly string[];
  /** Null where the method has none. */
  lower: readonly (number | null)[];
  guess: readonly number[];
  upper: readonly number[];
}

export interface Joined {
  /** Seconds since 1970, rising. */
  x: number[];
  curves: { lower: (number | null)[]; guess: (number | null)[]; upper: (number | null)[] }[];
}

/** Seconds since 1970 of a UTC day. */
export function seconds(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}

/** Curves on the days that any of them has; a day that one lacks is null there. */
export function join(curves: readonly Curve[]): Joined {
  const days = [...new Set(curves.flatMap((curve) => curve.date))].sort();
  const at = new Map(days.map((day, n) => [day, n]));
  const spread = (curve: Curve, values: readonly (number | null)[]): (number | null)[] => {
    const column = new Array<number | null>(days.length).fill(null);
    curve.date.forEach((day, n) => (column[at.get(day) ?? 0] = values[n] ?? null));
    return column;
  };
  return {
    x: days.map(seconds),
    curves: curves.map((curve) => ({ lower: spread(curve, curve.lower), guess: spread(curve, curve.guess), upper: spread(curve, curve.upper) })),
  };
}

/** The mean of each year, with how many days it rests on. */
export function years(curve: Curve): Map<string, { mean: number; days: number }> {
  const sums = new Map<string, { sum: number; days: number }>();
  curve.date.forEach((day, n) => {
    const [year, value] = [day.slice(0, 4), curve.guess[n]];
    if (value === undefined) return;
    const sum = sums.get(year) ?? { sum: 0, days: 0 };
    sums.set(year, { sum: sum.sum + value, days: sum.days + 1 });
  });
  return new Map([...sums].map(([year, { sum, days }]) => [year, { mean: sum / days, days }]));
}

/** Days of a calendar year. */
export function daysOf(year: string): number {
  return (Date.UTC(Number(year) + 1, 0, 1) - Date.UTC(Number(year), 0, 1)) / 86_400_000;
}

/** Assumptions that differ from their defaults, as the parameter `set` takes them; but some, which have their own. */
export function setOf(changed: Readonly<Record<string, string>>): string | null {
  const pairs = Object.entries(changed).filter(([, value]) => value.trim() !== '');
  return pairs.length === 0 ? null : pairs.map(([key, value]) => `${key}=${value.trim()}`).join(',');
}

