// What follows from permissions. The site decides; this only keeps away what would be refused.

/** Orders that come from the grid, as in the site's own table. */
const OF_GRID: readonly string[] = ['emergency', 'dispatch'];

/** Whether somebody may give and lift orders of a kind; without one, of any kind at all. */
export function mayOrder(may: (permission: string) => boolean, kind?: string): boolean {
  return may('order') || (may('order.grid') && (kind === undefined || OF_GRID.includes(kind)));
}
