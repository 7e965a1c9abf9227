// What a chart draws.

/** A curve, with its band where it has one. Colours are names of the page's tokens. */
export interface ChartLine {
  name: string;
  colour: string;
  dash?: number[];
  values: (number | null)[];
  lower?: (number | null)[];
  upper?: (number | null)[];
}

const DAY_S = 86_400;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** How times on a horizontal axis read, from one tick to the next so many seconds: never without their year. */
export function times(ticks: readonly number[], apartS: number): string[] {
  let before: number | null = null;
  return ticks.map((tick) => {
    const at = new Date(tick * 1_000);
    const [year, month] = [at.getUTCFullYear(), MONTHS[at.getUTCMonth()] ?? ''];
    const isNew = year !== before;
    before = year;
    if (apartS >= 360 * DAY_S) return `${year}`;
    const name = apartS >= 27 * DAY_S ? month : `${at.getUTCDate()} ${month}`;
    return isNew ? `${name}\n${year}` : name;
  });
}
