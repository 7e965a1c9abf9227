// What a chart draws.

/** A curve, with its band where it has one. Colours are names of the page's tokens. */
export interface ChartLine {
  name: string;
  colour: string;
  dash?: number[];
  values: (number | null)[];
  lower?: (number | null)[];
  upper?: (number | null)[];
}
