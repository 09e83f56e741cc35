/**
 * Golden cases: Markdown files with one case per `## title`: prose, a ```sip block, then what must come of it. Lines of a block end with CRLF in the message;
 * the last line of a body does not. `\xNN` stands for a byte.
 */
import { readFileSync, writeFileSync } from 'node:fs';

export interface Case {
  readonly title: string;
  /** blocks by their language; text as in the file */
  readonly blocks: ReadonlyMap<string, string>;
}

const FENCE = /^```(\w+)\n([\s\S]*?)^```$/gm;

export function readCases(file: URL): Case[] {
  return readFileSync(file, 'utf8')
    .split(/^## /m)
    .slice(1)
    .map(part => ({
      title: part.slice(0, part.indexOf('\n')),
      blocks: new Map([...part.matchAll(FENCE)].map(m => [m[1]!, m[2]!])),
    }));
}

/** Replaces one block of one case (UPDATE_GOLDEN=1). */
export function rewrite(file: URL, title: string, language: string, text: string): void {
  const parts = readFileSync(file, 'utf8').split(/^(?=## )/m);
  const i = parts.findIndex(p => p.startsWith(`## ${title}\n`));
  parts[i] = parts[i]!.replace(
    new RegExp(`^\`\`\`${language}\\n[\\s\\S]*?^\`\`\`$`, 'm'),
    () => `\`\`\`${language}\n${text}\`\`\``,
  );
  writeFileSync(file, parts.join(''));
}

/** The bytes that a block stands for, as a byte string. */
export function fromBlock(block: string): string {
  const text = block.endsWith('\n\n') ? block : block.slice(0, -1);
  return text
    .replace(/\n/g, '\r\n')
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** The block that stands for these bytes. */
export function toBlock(bytes: string): string {
  const text = bytes
    .replace(/\r\n/g, '\n')
    .replace(/[^\n\t -~]/g, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return text.endsWith('\n\n') ? text : `${text}\n`;
}
