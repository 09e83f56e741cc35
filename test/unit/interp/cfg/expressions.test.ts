/** Expressions against what Kamailio 5.6.3 answered: test/fixtures/native/expressions.jsonl. */
import { describe, expect, test } from 'vitest';
import {
  EXPRESSION_MESSAGE,
  expressionAnswers,
  expressionConfig,
  expressionRows,
  expressionWanted,
} from '../../../support/native-rows.ts';
import { findings, nativeRuntime } from './native.ts';

const rows = expressionRows();

describe('expressions', () => {
  const good = rows.filter(r => !r.error);
  const assigned = good.filter(r => r.value !== undefined);

  test.each(['inplace', 'api'] as const)('values and conditions are those of Kamailio, lane %s', lane => {
    const { said, runtime } = nativeRuntime(expressionConfig(good), {
      lane,
      sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 22840 }],
    });
    runtime.receive(new TextEncoder().encode(EXPRESSION_MESSAGE), { ip: '127.0.0.1', port: 22841 });
    expect(expressionAnswers(good, said())).toEqual(expressionWanted(good));
    expect(assigned.length).toBeGreaterThan(300);
  });

  test.each(rows.filter(r => r.error).map(r => r.expression))('%s does not load', expression => {
    const found = findings(`request_route { $var(r) = ${expression}; }\n`);
    expect(found.some(f => f.includes(': error: '))).toBe(true);
  });
});
