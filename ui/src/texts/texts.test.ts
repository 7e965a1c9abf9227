import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import en from './en.json';
import { t, useLanguage } from './index';

const root = join(import.meta.dirname, '..');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(svelte|ts)$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(root, name), 'utf8'))
  .join('\n');

describe('texts', () => {
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
    const unused = Object.keys(en).filter((key) => !sources.includes(`'${key}'`) && !templates.some((template) => template.test(key)));
    expect(unused).toEqual([]);
  });
  it('in other languages have the same keys and the same braces', () => {
    const braces = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const name of readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json') && name !== 'en.json')) {
      const other = JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Record<string, string>;
      expect(Object.keys(other).sort(), name).toEqual(Object.keys(en).sort());
      for (const [key, text] of Object.entries(en)) expect(braces(other[key] ?? ''), `${name} ${key}`).toEqual(braces(text));
    }
  });
});
