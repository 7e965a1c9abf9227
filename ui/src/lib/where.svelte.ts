// Where we are: the browser's address as state.
import { parse, type Route } from './route';

class Where {
  route: Route = $state.raw(parse(location.pathname, location.search));
  /** The list of machines as it was last looked at, with its filters. */
  machines = $state('/machines');
  /** What would be lost by leaving the page, in words. */
  #unsaved: string | null = null;
  /** Where we are, to come back to. */
  #address = location.pathname + location.search;

  constructor() {
    this.#read();
    addEventListener('popstate', () => {
      if (this.#mayLeave(parse(location.pathname, location.search))) this.#read();
      else history.pushState(null, '', this.#address);
    });
    addEventListener('beforeunload', (event) => {
      if (this.#unsaved !== null) event.preventDefault();
    });
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** Goes to an address of ours. */
  go(address: string, replace = false): void {
    if (address === location.pathname + location.search) return;
    const [path = '', search = ''] = address.split('?');
    if (!this.#mayLeave(parse(path, search))) return;
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    const before = this.route.page;
    this.#read();
    if (before !== this.route.page) scrollTo(0, 0);
  }

  /** Asks before this page is left or its tab closed, with these words, until the returned function is called. */
  keep(words: string): () => void {
    this.#unsaved = words;
    return () => (this.#unsaved = null);
  }

  #mayLeave(to: Route): boolean {
    return this.#unsaved === null || to.page === this.route.page || confirm(this.#unsaved);
  }

  #read(): void {
    this.#address = location.pathname + location.search;
    this.route = parse(location.pathname, location.search);
    if (this.route.page === 'machines') this.machines = location.pathname + location.search;
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.hash !== '') return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const where = new Where();
