/** The file that modparam address_file names: `group address [mask [port [tag]]]` on each line, # begins a comment. */
import type { ByteStr } from '../../core/memory.ts';
import { type AddressRecord, RecordError } from './addresses.ts';

/** @throws {RecordError} naming the line */
export function readAddressFile(text: ByteStr): AddressRecord[] {
  const records: AddressRecord[] = [];
  text.split('\n').forEach((line, i) => {
    const fields = line
      .replace(/#.*/s, '')
      .split(/[ \t\r]+/)
      .filter(f => f);
    if (!fields.length) return;
    const number = (field: string | undefined) =>
      field === undefined ? 0 : /^\d{1,9}$/.test(field) ? Number(field) : -1;
    const [group, address, mask, port, tag] = fields;
    const record = { group: number(group), mask: number(mask), port: number(port) };
    if (address === undefined || fields.length > 5 || Object.values(record).includes(-1))
      throw new RecordError(`line ${i + 1} is not "group address [mask [port [tag]]]"`);
    records.push({ ...record, address, tag });
  });
  return records;
}
