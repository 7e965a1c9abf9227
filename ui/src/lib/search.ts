// What is searched for, as the site writes it.

/** A MAC in any spelling (with dashes, dots, colons or nothing between), or the beginning of one with dashes, as the site has it; else the text. */
export function asWritten(text: string): string {
  const typed = text.trim();
  const bare = typed.replace(/[-:.\s]/g, '');
  const isWhole = /^[\da-f]{12}$/i.test(bare) && (/^[\da-f]{4}\.[\da-f]{4}\.[\da-f]{4}$/i.test(typed) || /^([\da-f]{2}[-: ]?){5}[\da-f]{2}$/i.test(typed) || /^[\da-f]{6}-[\da-f]{6}$/i.test(typed));
  // Twelve digits alone may be a serial number as well.
  const isBegun = /^([\da-f]{2}-){2,4}[\da-f]{2}-?$/i.test(typed);
  if ((!isWhole && !isBegun) || /^\d{12}$/.test(typed)) return text;
  return (bare.match(/../g) ?? []).join(':').toUpperCase();
}
