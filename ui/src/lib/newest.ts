// A list that grows at its head and is read back page by page: what was ordered, the audit chain.

/** Entries newest first, and where the page after them begins; null when everything is there. */
export interface Page<T> {
  entries: readonly T[];
  next: number | null;
}

/** The newest page put before what is known. More came than a page holds: begin anew rather than leave a gap. */
export function renewed<T extends { seq: number }>(known: Page<T> | null, page: Page<T>): Page<T> {
  const newest = known?.entries[0]?.seq ?? 0;
  const fresh = page.entries.filter((entry) => entry.seq > newest);
  const gap = fresh.length === page.entries.length && page.next !== null;
  return known === null || gap ? page : { entries: [...fresh, ...known.entries], next: known.next };
}

/** What is known with the page after it. */
export function extended<T>(known: Page<T>, page: Page<T>): Page<T> {
  return { entries: [...known.entries, ...page.entries], next: page.next };
}
