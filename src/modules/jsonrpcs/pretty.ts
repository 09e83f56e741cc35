/** JSON for people, in the form of Kamailio's pretty_format: members on lines of their own, a tabulator behind each name, lists on one line. */

export function prettyJson(value: unknown, depth = 1): string {
  if (Array.isArray(value)) return `[${value.map(v => prettyJson(v ?? null, depth)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const indent = '\t'.repeat(depth);
  const members = Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .map(([k, v]) => `${indent}${JSON.stringify(k)}:\t${prettyJson(v, depth + 1)}`);
  const end = `${'\t'.repeat(depth - 1)}}`;
  return members.length === 0 ? `{\n${end}` : `{\n${members.join(',\n')}\n${end}`;
}
