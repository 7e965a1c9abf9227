// Which machine stands where: a list from a spreadsheet read, and the inventory written that a site file names.
import type { FloorView } from '../api/types';
import type { FoundView } from '../api/types-records';

/** A machine that a search found, and where it is to stand. */
export interface Placed {
  found: FoundView;
  position: string;
}

/** What a site knows of a position. */
export interface Position {
  model: string;
  owner: string;
}

const COLUMNS = ['position', 'model', 'owner', 'serial', 'mac', 'address', 'api_port'] as const;

/** One line of a CSV: commas or semicolons, quotes doubled within quotes. */
function fields(line: string, separator: string): string[] {
  const found: string[] = [];
  let [text, quoted] = ['', false];
  for (let n = 0; n < line.length; n++) {
    const letter = line[n] ?? '';
    if (quoted && letter === '"' && line[n + 1] === '"') {
      text += '"';
      n++;
    } else if (letter === '"') quoted = !quoted;
    else if (letter === separator && !quoted) {
      found.push(text.trim());
      text = '';
    } else text += letter;
  }
  return [...found, text.trim()];
}

/** A MAC as it is compared: digits only. */
function plain(mac: string | null): string {
  return (mac ?? '').toLowerCase().replace(/[^0-9a-f]/g, '');
}

/** Positions by MAC, serial or address, as a list names them; the first line names its columns. */
export function read(text: string): { position: string; mac: string; serial: string; address: string }[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const [first, ...rest] = lines;
  if (first === undefined) throw new RangeError('empty');
  const separator = first.includes(';') ? ';' : ',';
  const names = fields(first, separator).map((name) => name.toLowerCase());
  const at = (name: string): number => names.indexOf(name);
  if (at('position') < 0 || (at('mac') < 0 && at('serial') < 0 && at('address') < 0)) throw new RangeError('columns');
  const value = (cells: string[], name: string): string => cells[at(name)] ?? '';
  return rest.map((line) => {
    const cells = fields(line, separator);
    return { position: value(cells, 'position'), mac: plain(value(cells, 'mac')), serial: value(cells, 'serial'), address: value(cells, 'address') };
  });
}

/** Where a list puts what was found; what it does not name has no position. */
export function place(found: readonly FoundView[], list: ReturnType<typeof read>): Map<FoundView, string> {
  const placed = new Map<FoundView, string>();
  for (const machine of found) {
    const row =
      list.find((row) => row.mac !== '' && row.mac === plain(machine.mac)) ??
      list.find((row) => row.serial !== '' && row.serial === machine.serial) ??
      list.find((row) => row.address !== '' && row.address === machine.address);
    if (row !== undefined && row.position !== '') placed.set(machine, row.position);
  }
  return placed;
}

/** Positions that are given twice, each once. */
export function twice(placed: readonly Placed[]): string[] {
  const all = placed.map((one) => one.position);
  return [...new Set(all.filter((position, n) => all.indexOf(position) !== n))];
}

/** What a position is typed for: the machine itself, since an address may be another's at the next search. */
export function keyOf({ mac, serial, address, port }: FoundView): string {
  const name = plain(mac) !== '' ? plain(mac) : (serial ?? address);
  return `${name} ${port}`;
}

/** How many positions were typed that no saved inventory has. */
export function unsaved(typed: Readonly<Record<string, string>>, saved: Readonly<Record<string, string>>): number {
  return Object.entries(typed).filter(([key, position]) => saved[key] !== position).length;
}

/** How many positions were typed for machines that are not among those found. */
export function elsewhere(typed: Readonly<Record<string, string>>, found: readonly FoundView[]): number {
  const here = new Set(found.map(keyOf));
  return Object.entries(typed).filter(([key, position]) => position !== '' && !here.has(key)).length;
}

/** The site's positions by their names. */
export function positionsOf(floor: FloorView): Map<string, Position> {
  const name = (names: readonly string[], place: number | undefined): string => names[place ?? -1] ?? '';
  return new Map(floor.id.map((id, n) => [id, { model: name(floor.models, floor.model[n]), owner: name(floor.owners, floor.owner[n]) }]));
}

/** The inventory as a site file reads it. Model and owner are those of the site's position, where it has one. */
export function write(placed: readonly Placed[], positions: ReadonlyMap<string, Position>): string {
  const quoted = (text: string): string => (/[",;\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = placed.map(({ found, position }) => {
    const known = positions.get(position);
    const cells = { position, model: known?.model ?? found.model ?? '', owner: known?.owner ?? '', serial: found.serial ?? '', mac: found.mac ?? '', address: found.address, api_port: String(found.port) };
    return COLUMNS.map((column) => quoted(cells[column])).join(',');
  });
  return [COLUMNS.join(','), ...rows, ''].join('\n');
}
