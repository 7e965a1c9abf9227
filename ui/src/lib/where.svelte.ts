// Where we are: the browser's address as state.
import { parse, type Route } from './route';

class Where {
  route: Route = $state.raw(parse(location.pathname, location.search));
  /** The list of machines as it was last looked at, with its filters. */
  machines = $state('/machines');

  constructor() {
    this.#read();
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** Goes to an address of ours. */
  go(address: string, replace = false): void {
    if (address === location.pathname + location.search) return;
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    const before = this.route.page;
    this.#read();
    if (before !== this.route.page) scrollTo(0, 0);
  }

  #read(): void {
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
