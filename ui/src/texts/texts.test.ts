import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import en from './en.json';
import { plural, t, useLanguage } from './index';

const root = join(import.meta.dirname, '..');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(svelte|ts)$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(root, name), 'utf8'))
  .join('\n');

/** The key whose form for some numbers a key is, if it is one. */
function counted(key: string, keys: readonly string[]): string | null {
  const base = /^(.*)\.(zero|one|two|few|many)$/.exec(key)?.[1] ?? '';
  return keys.includes(base) && sources.includes(`plural('${base}'`) ? base : null;
}

describe('texts', () => {
  it('have the form of their number', () => {
    expect([0, 1, 2, 1_000].map((n) => plural('machines.total', n))).toEqual(['0 machines', '1 machine', '2 machines', '1,000 machines']);
    expect(plural('bulk.effect', 1, { relief: '3 kW' })).toBe('Now: 1 machine goes to sleep and the load falls by 3 kW.');
  });
  it('replace what is in braces, and nothing else', () => {
    expect(t('now.of', { limit: '3 MW' })).toBe('of 3 MW allowed');
    expect(t('now.of')).toBe('of {limit} allowed');
    expect(t('load.of', { name: '$&', power: '1 kW', limit: '{name}', share: '1 %' })).toBe('$&: 1 kW of {name}, 1 %');
  });
  it('fall back to English', async () => {
    expect(await useLanguage(['xx-XX', 'en-GB'])).toBe('en');
    expect(t('page.now')).toBe('Now');
  });
  it('are all used', () => {
    // A key of which a part is worked out is used by the template that makes it.
    const templates = [...sources.matchAll(/`([\w.-]*\$\{[^}`]+\}[\w.-]*)`/g)].map(([, template = '']) => new RegExp(`^${template.replace(/\$\{[^}]+\}/g, '[\\w-]+').replaceAll('.', '\\.')}$`));
    const unused = Object.keys(en).filter((key) => !sources.includes(`'${key}'`) && counted(key, Object.keys(en)) === null && !templates.some((template) => template.test(key)));
    expect(unused).toEqual([]);
  });
  it('in other languages have the same keys and the same braces', () => {
    const braces = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const name of readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json') && name !== 'en.json')) {
      const other = JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Record<string, string>;
      const plain = (of: Record<string, string>): string[] => Object.keys(of).filter((key) => counted(key, Object.keys(en)) === null).sort();
      expect(plain(other), name).toEqual(plain(en));
      // Forms for some numbers are the language's own.
      for (const [key, text] of Object.entries(other)) {
        expect(braces(text), `${name} ${key}`).toEqual(braces((en as Record<string, string>)[counted(key, Object.keys(en)) ?? key] ?? ''));
      }
    }
  });
});
