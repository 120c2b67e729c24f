// The results as a table.

/**
 * @param {readonly (readonly (string | number)[])[]} rows
 * @returns {string} with a mark in front by which spreadsheets tell UTF-8
 */
export const csv = (rows) => `\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;

/** @param {string | number} value */
function cell(value) {
  // A spreadsheet would run what begins like a formula.
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
