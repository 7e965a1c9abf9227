// Shapes of the API: the site file.

/** Something to mend or to look at in a site file. */
export interface FindingView {
  severity: string;
  file: string;
  line: number | null;
  column: number | null;
  text: string;
}

/** A limit that a text would change. */
export interface LimitChangeView {
  circuit: string;
  source: string;
  before_kw: number[];
  after_kw: number[];
}

/** What a text would be as the site file. */
export interface SiteCheckView {
  sound: boolean;
  findings: FindingView[];
  limits: LimitChangeView[];
  machines_before: number;
  machines_after: number | null;
}

/** That the site file was written. */
export interface SiteWrittenView {
  tag: string;
  kept_as: string;
  restart_due: boolean;
}
