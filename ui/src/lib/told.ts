// What went wrong, in words, and what to do about it.
import { Refusal, Unreachable } from '../api/client';
import { t } from '../texts';

/** A part of the pages that could not be loaded: they have been replaced since, or the connection broke. */
export class Unloaded extends Error {
  constructor(cause: unknown) {
    super('a part of the page could not be loaded', { cause });
    this.name = 'Unloaded';
  }
}

/** Loads a part of the pages. */
export async function loaded<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (error) {
    throw new Unloaded(error);
  }
}

export interface Told {
  detail: string;
  hint: string | null;
}

/** An error in words; `again` where the page reads again by itself. Only an answer that did not come is told as such. */
export function tell(error: unknown, again: boolean): Told {
  if (error instanceof Refusal) return { detail: error.message, hint: error.hint };
  if (error instanceof Unreachable) {
    // Of a change that got no answer nobody knows whether it was carried out.
    const silence = error.change ? 'problem.unreachable.change' : again ? 'problem.unreachable.again' : 'problem.unreachable.read';
    return { detail: t('problem.unreachable'), hint: t(silence) };
  }
  if (error instanceof Unloaded) return { detail: t('problem.unloaded'), hint: t('problem.unloaded.hint') };
  if (error instanceof SyntaxError) return { detail: t('problem.unreadable'), hint: error.message };
  return { detail: error instanceof Error && error.message !== '' ? error.message : t('problem.other', { error: String(error) }), hint: null };
}
