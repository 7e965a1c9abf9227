// A real site with its twin, and a real browser. Nothing here knows the pages.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';

/** How long a site may take to say where it is; a demo finds its machines first. */
const OPENS_MS = 150_000;

export interface Demo {
  /** Where it is, without a slash at the end. */
  origin: string;
  /** The link that lets its holder in. */
  link: string;
  /** Where its data is. */
  folder: string;
  stop: () => Promise<void>;
}

/** Starts a demo and waits until it says where it is. */
export async function startDemo(args: readonly string[]): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-ui-'));
  const child = offpeak(folder, ['demo', '--headless', '--for', '30m', '--listen', '127.0.0.1:0', ...args]);
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const link = await said(child, /http:\/\/\S+\/enter\?key=\S+/);
    return { origin: new URL(link).origin, link, folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A site of its own, with the twin's machines behind sockets: it can be ended and started again. */
export interface Mine {
  /** Where the site file is. */
  folder: string;
  /** Starts the site, which then says this. */
  start: (says: RegExp) => Promise<string>;
  /** Ends the site; its machines go on. */
  end: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Starts the machines of a site file that stands in the repository at a civil time, its meters at other ports than a demo beside it has. */
export async function startMine(file: string, start: string): Promise<Mine> {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-ui-'));
  writeFileSync(join(folder, 'site.toml'), readFileSync(file, 'utf8').replaceAll(/\b150(\d\d)\b/g, '160$1'));
  const twin = offpeak(folder, ['twin', 'site.toml', '--healthy', '--running', '--ports', '--start', start, '--speed', '10', '--for', '30m']);
  let site: ChildProcess | null = null;
  const end = async (): Promise<void> => {
    if (site) await ended(site);
    site = null;
  };
  const stop = async (): Promise<void> => {
    await end();
    await ended(twin);
    rmSync(folder, { recursive: true, force: true });
  };
  const begin = (says: RegExp): Promise<string> => {
    site = offpeak(folder, ['run', 'site.toml', '--twin', '--dir', 'data', '--listen', '127.0.0.1:0', '--for', '30m']);
    return said(site, says);
  };
  try {
    await said(twin, /"machines":\d+/);
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, start: begin, end, stop };
}

function offpeak(folder: string, args: readonly string[]): ChildProcess {
  const binary = process.env['OFFPEAK'];
  if (binary === undefined) throw new Error('OFFPEAK names the binary to test; `make ui-browser` sets it');
  return spawn(binary, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

function said(child: ChildProcess, what: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const patience = setTimeout(() => reject(new Error(`it did not open in time; it said:\n${text}`)), OPENS_MS);
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      const found = what.exec(text)?.[0];
      if (found === undefined) return;
      clearTimeout(patience);
      resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(patience);
      reject(new Error(`it ended with ${String(code)}; it said:\n${text}`));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Debian's Chromium, which asks nobody outside. */
export async function launch(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const pages = process.env['OFFPEAK_PAGES'];
  if (pages !== undefined) servePages(browser, pages);
  return browser;
}

const TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', json: 'application/json' };

/** Pages from a folder in place of those in the binary, which need not be built anew for a changed page. */
function servePages(browser: Browser, folder: string): void {
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    await context.route(
      (url) => !url.pathname.startsWith('/api/'),
      async (route) => {
        if (new URL(route.request().url()).pathname === '/enter') {
          // Where a redirect leads is asked of the site itself: it is followed as a page of its own.
          const answer = await route.fetch({ maxRedirects: 0 });
          if (answer.status() < 400) await route.fulfill({ body: '<meta http-equiv="refresh" content="0;url=/">', contentType: 'text/html' });
          else await route.continue();
          return;
        }
        const name = new URL(route.request().url()).pathname.slice(1);
        const found = name !== '' && existsSync(join(folder, name)) ? name : 'index.html';
        await route.fulfill({ body: readFileSync(join(folder, found)), contentType: TYPES[found.split('.').at(-1) ?? ''] ?? 'application/octet-stream' });
      },
    );
    return context;
  };
}

export const SCREENS = {
  phone: { width: 390, height: 844 },
  laptop: { width: 1440, height: 900 },
  wall: { width: 3840, height: 2160 },
} as const;
export type Screen = keyof typeof SCREENS;

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What went wrong meanwhile: errors in the console, and requests that left the site. */
  troubles: string[];
}

/** Opens the site as its owner, on a screen, in a theme; `enter` does what its link asks for. */
export async function visit(
  browser: Browser,
  demo: Pick<Demo, 'origin' | 'link'>,
  screen: Screen = 'laptop',
  theme: 'light' | 'dark' = 'light',
  enter: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: SCREENS[screen],
    colorScheme: theme,
    hasTouch: screen === 'phone',
    isMobile: screen === 'phone',
    locale: 'en-GB',
    ignoreHTTPSErrors: true,
  });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(demo.origin) && !request.url().startsWith('data:')) troubles.push(`left the site: ${request.url()}`);
  });
  await page.goto(demo.link);
  await enter(page);
  await page.waitForSelector('nav');
  return { page, context, troubles };
}

/** Goes to a page as a link does, and waits until its heading is there. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, page.url()).href);
  await page.waitForSelector('main h1', { state: 'attached' });
}

/** Makes the site not answer a page, its stream included, and answer again. For pages that are opened after this. */
export async function loseSite(page: Page): Promise<{ lose: () => Promise<void>; find: () => Promise<void> }> {
  await page.addInitScript(() => {
    const streams: EventSource[] = [];
    Object.assign(window, { streams });
    window.EventSource = class extends EventSource {
      constructor(url: string | URL) {
        super(url);
        streams.push(this);
      }
    };
  });
  const lose = async (): Promise<void> => {
    await page.context().setOffline(true);
    // An open stream outlives that: it is ended as a lost connection ends it.
    await page.evaluate(() => {
      for (const stream of (window as unknown as { streams: EventSource[] }).streams) {
        stream.close();
        stream.dispatchEvent(new Event('error'));
      }
    });
  };
  return { lose, find: () => page.context().setOffline(false) };
}

/** Answers that are held back. */
export interface HeldBack {
  /** What was sent, so far. */
  sent: string[];
  /** Lets the oldest one through, or refuses it. */
  next: (answer?: { status: number; type: string }) => Promise<void>;
  /** Lets all through, from now on. */
  through: () => Promise<void>;
}

/** Holds back the answers to what is sent with a method to a path, and with these words in its query. */
export async function holdBack(page: Page, path: string, method: string, query = ''): Promise<HeldBack> {
  const sent: string[] = [];
  const waiting: HeldBack['next'][] = [];
  let open = false;
  await page.route(
    (url) => url.pathname === `/api/v1${path}` && url.search.includes(query),
    async (route) => {
      if (open || route.request().method() !== method) return route.fallback();
      sent.push(route.request().postData() ?? '');
      await new Promise<void>((over) => {
        waiting.push(async (answer) => {
          if (answer) await route.fulfill({ status: answer.status, contentType: 'application/problem+json', body: JSON.stringify({ type: answer.type, detail: 'not now' }) });
          else await route.continue();
          over();
        });
      });
    },
  );
  const next: HeldBack['next'] = async (answer) => {
    await expect.poll(() => waiting.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await waiting.shift()?.(answer);
  };
  const through = async (): Promise<void> => {
    open = true;
    for (const held of waiting.splice(0)) await held();
  };
  return { sent, next, through };
}

/** What axe finds against WCAG 2.2 A and AA. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const run = (window as unknown as { axe: typeof axe }).axe;
    const result = await run.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return result.violations.map((violation) => ({ id: violation.id, help: violation.help, nodes: violation.nodes.map((node) => node.html.slice(0, 200)) }));
  });
  return violations.map((violation) => `${violation.id}: ${violation.help}\n  ${violation.nodes.join('\n  ')}`);
}

/** Whether the page is wider than its screen, and which texts are cut off or lie over each other. */
export async function layoutFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth + 1) faults.push(`the page is ${root.scrollWidth} wide on ${root.clientWidth}`);
    const seen = [...document.querySelectorAll('main h1, main h2, main dt, main dd, main button, main a, main .tag, header .button')]
      .filter((element) => !element.closest('.hidden, dialog, details:not([open]), .body, .scroll, .decisions'))
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && box.height > 0);
    for (const [n, one] of seen.entries()) {
      for (const other of seen.slice(n + 1)) {
        if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (wide > 3 && high > 3) faults.push(`"${one.element.textContent.trim()}" lies over "${other.element.textContent.trim()}"`);
      }
    }
    return faults;
  });
}
