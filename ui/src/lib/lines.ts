// Lines of a text that is edited.

/** Where a line (from 1) begins and ends, from a column (from 1) of it on; the last line for what is beyond it. */
export function stretch(text: string, line: number, column: number | null = null): { from: number; to: number } {
  const lines = text.split('\n');
  const n = Math.min(Math.max(1, line), lines.length);
  const before = lines.slice(0, n - 1).reduce((all, one) => all + one.length + 1, 0);
  const length = lines[n - 1]?.length ?? 0;
  return { from: before + Math.min(length, Math.max(0, (column ?? 1) - 1)), to: before + length };
}
