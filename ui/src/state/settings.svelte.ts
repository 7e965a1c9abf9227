// What somebody chose for this browser. Kept here only; the site never hears of it.

export type Theme = 'system' | 'light' | 'dark';

class Settings {
  theme: Theme = $state(read('theme', ['system', 'light', 'dark'], 'system'));

  set(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem('offpeak.theme', theme);
    this.apply();
  }

  apply(): void {
    if (this.theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = this.theme;
  }
}

function read<T extends string>(name: string, known: readonly T[], otherwise: T): T {
  const kept = localStorage.getItem(`offpeak.${name}`);
  return known.find((value) => value === kept) ?? otherwise;
}

export const settings = new Settings();
