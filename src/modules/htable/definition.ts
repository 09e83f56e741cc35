/** Reads modparam("htable", "htable", "name=>size=8;autoexpire=120;initval=0"). */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';

export interface Definition {
  readonly name: ByteStr;
  /** slots: 2 to the power of `size` */
  readonly slots: number;
  /** seconds an item lives, 0 for ever */
  readonly autoExpireSec: number;
  /** whether each write starts the life anew */
  readonly updateExpire: boolean;
  /** what an absent key reads as */
  readonly initval: number | undefined;
}

/** @throws KemiError KEMI_ERR_CONFIG naming the table and the attribute */
export function parseDefinition(text: ByteStr): Definition {
  const fail = (why: string): never => {
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot define htable "${text}": ${why}`);
  };
  const arrow = text.indexOf('=>');
  const name = (arrow < 0 ? text : text.slice(0, arrow)).trim();
  if (!name) fail('the name is empty');
  let slots = 8;
  let autoExpireSec = 0;
  let updateExpire = true;
  let initval: number | undefined;
  for (const part of arrow < 0 ? [] : text.slice(arrow + 2).split(';')) {
    if (!part.trim()) continue;
    const equals = part.indexOf('=');
    const key = part.slice(0, equals < 0 ? part.length : equals).trim();
    const value = equals < 0 ? '' : unquoted(part.slice(equals + 1).trim());
    const int = () => (/^[+-]?\d{1,10}$/.test(value) ? Number(value) | 0 : fail(`${key} is not a number: "${value}"`));
    switch (key) {
      case 'size':
        // outside of 2..31 Kamailio takes the nearest of 3 and 14; so few or so many slots help nobody
        slots = 2 ** Math.min(Math.max(int(), 1), 24);
        break;
      case 'autoexpire':
        autoExpireSec = Math.max(int(), 0);
        break;
      case 'updateexpire':
        updateExpire = int() !== 0;
        break;
      case 'initval':
        initval = int();
        break;
      case 'dbtable':
      case 'dbmode':
      case 'cols':
        if (value && value !== '0') fail(`${key} needs a database, which htable does not have in this version`);
        break;
      case 'dmqreplicate':
        if (int()) fail('dmqreplicate needs module dmq, which is not available in this version');
        break;
      default:
        fail(`the attribute "${key}" is not known`);
    }
  }
  return { name, slots, autoExpireSec, updateExpire, initval };
}

function unquoted(text: ByteStr): ByteStr {
  return /^".*"$/s.test(text) || /^'.*'$/s.test(text) ? text.slice(1, -1) : text;
}
