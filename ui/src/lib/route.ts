// Addresses: one place that knows how pages are named, and what a filter looks like in the address.

export type Page =
  | 'now'
  | 'floor'
  | 'machines'
  | 'machine'
  | 'power'
  | 'alerts'
  | 'records'
  | 'people'
  | 'settings'
  | 'guide'
  | 'scan'
  | 'observatory'
  | 'login'
  | 'setup'
  | 'nowhere';

export interface Route {
  page: Page;
  /** A machine's id, a part of the observatory, or the path that leads nowhere. */
  id: string | null;
  query: URLSearchParams;
}

const SIMPLE: readonly Page[] = [
  'floor', 'machines', 'power', 'alerts', 'records', 'people', 'settings', 'guide', 'scan', 'observatory', 'login', 'setup',
];

/** Reads an address. */
export function parse(path: string, search: string): Route {
  const query = new URLSearchParams(search);
  const [first = '', ...rest] = path.split('/').filter((part) => part !== '');
  if (first === 'machines' && rest.length > 0) {
    return { page: 'machine', id: rest.map(decode).join('/'), query };
  }
  if (first === 'observatory') return { page: first, id: rest[0] ?? null, query };
  const page = first === '' ? 'now' : SIMPLE.find((name) => name === first);
  return page ? { page, id: null, query } : { page: 'nowhere', id: path, query };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Writes an address. Empty values are left out. */
export function href(page: Page, query: Record<string, string | null | undefined> = {}, id?: string): string {
  const path = page === 'now' ? '/' : page === 'machine' ? `/machines/${encodePath(id ?? '')}` : page === 'observatory' && id ? `/observatory/${encodePath(id)}` : `/${page}`;
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, value);
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** A path of an id: its slashes stay, everything else is escaped. */
export function encodePath(id: string): string {
  return id.split('/').map(encodeURIComponent).join('/');
}
