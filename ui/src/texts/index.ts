// Every word of the pages stands in a text file. A further language is one more file beside `en.json` with the same
// keys; what the site itself says (reasons, sources) comes from the server in English.
import { count } from '../lib/format';
import en from './en.json';

export type TextKey = keyof typeof en;

type Texts = Record<TextKey, string>;
const others = import.meta.glob<{ default: Partial<Texts> }>(['./*.json', '!./en.json']);

let texts: Texts = en;
let rules = new Intl.PluralRules('en');

/** Loads the first of these languages that there is. */
export async function useLanguage(languages: readonly string[]): Promise<string> {
  for (const language of languages) {
    const short = language.split('-')[0] ?? '';
    if (short === 'en') break;
    const load = others[`./${short}.json`];
    if (load) {
      texts = { ...en, ...(await load()).default };
      rules = new Intl.PluralRules(short);
      return short;
    }
  }
  texts = en;
  rules = new Intl.PluralRules('en');
  return 'en';
}

/** A text; `{name}` in it is replaced. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  return texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : String(value);
  });
}

/**
 * A text that counts `{n}`. A language has further forms of it beside its key, `key.one` or `key.few`, by the names of
 * `Intl.PluralRules`; the key itself is the form of all other numbers.
 */
export function plural(key: TextKey, n: number, values: Record<string, string | number> = {}): string {
  const form = `${key}.${rules.select(n)}`;
  return t(form in texts ? (form as TextKey) : key, { n: count(n), ...values });
}
