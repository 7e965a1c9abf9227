import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { cividis, contrast, distance, OWNERS, SIGHTS } from './colour';
import { STATES } from './states';

const css = readFileSync(join(import.meta.dirname, '../app.css'), 'utf8');
/** The tokens of a block that begins so. */
function tokens(begin: string): Record<string, string> {
  const block = css.slice(css.indexOf(begin)).split('}')[0] ?? '';
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name = '', value = '']): [string, string] => [name, value]));
}
const light = tokens(':root {');
const themes = { light, dark: tokens("[data-theme='dark'] {") };

describe.each(Object.entries(themes))('%s', (_, theme) => {
  const of = (name: string): string => theme[name] ?? 'missing';
  it('has text of at least 4.5:1 wherever it stands', () => {
    const pairs = [
      ['text', 'ground'], ['text', 'surface'], ['text', 'sunken'], ['muted', 'ground'], ['muted', 'surface'], ['muted', 'sunken'], ['accent', 'surface'], ['accent', 'ground'],
      ['accent', 'accent-ground'], ['on-accent', 'accent'], ['good', 'good-ground'], ['good', 'surface'], ['warn', 'warn-ground'], ['warn', 'surface'],
      ['bad', 'bad-ground'], ['bad', 'surface'], ['on-stop', 'stop'], ['text', 'accent-ground'], ['muted', 'accent-ground'],
    ] as const;
    for (const [text, ground] of pairs) expect(contrast(of(text), of(ground)), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  });
  it('has lines in charts of at least 3:1', () => {
    for (const line of ['series-power', 'series-limit', 'series-third']) expect(contrast(of(line), of('surface')), line).toBeGreaterThanOrEqual(3);
  });
  it('has states that everybody can tell apart', () => {
    for (const sight of SIGHTS) {
      for (const one of STATES) {
        for (const other of STATES) {
          if (one < other) expect(distance(of(`state-${one}`), of(`state-${other}`), sight), `${one}, ${other}, ${sight}`).toBeGreaterThan(0.06);
        }
      }
    }
  });
  it('is the same whether chosen or taken from the system', () => {
    expect(tokens(':root:not([data-theme=\'light\']) {')).toEqual(themes.dark);
  });
});

describe('scales', () => {
  it('only get lighter', () => {
    const steps = Array.from({ length: 33 }, (_, n) => contrast(cividis(n / 32), '#000000'));
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect([cividis(-1), cividis(2)]).toEqual([cividis(0), cividis(1)]);
  });
  it('tell owners apart', () => {
    for (const sight of SIGHTS) {
      OWNERS.forEach((one, n) => OWNERS.slice(n + 1).forEach((other) => expect(distance(one, other, sight), `${one} ${other} ${sight}`).toBeGreaterThan(0.05)));
    }
  });
});
