// How dark a country is drawn: in steps, so that the key beside the map can name them.

/** From so many percent of the hash rate on. */
export const STEPS: readonly number[] = [0, 1, 5, 10, 20, 40];

/** The step of a share: -1 where nothing is reported, or nothing but zero. */
export function step(percent: number | null | undefined): number {
  if (percent === null || percent === undefined || percent <= 0) return -1;
  return STEPS.findLastIndex((from) => percent >= from);
}

/** How opaque that step is drawn. */
export function opacity(of: number): number {
  return of < 0 ? 0 : 0.18 + (0.82 * of) / (STEPS.length - 1);
}
