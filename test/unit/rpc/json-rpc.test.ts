import { describe, expect, it } from 'vitest';
import { RpcError } from '../../../src/errors.ts';
import { jsonRpcHandler } from '../../../src/rpc/json-rpc.ts';

const seen: unknown[] = [];
const handle = jsonRpcHandler(async (method, params) => {
  seen.push([method, params]);
  if (method === 'fail') throw new RpcError(404, 'Variable not found');
  if (method === 'bug') throw new TypeError('a bug');
  return { method, params };
});
const answer = async (request: unknown) => {
  const text = await handle(typeof request === 'string' ? request : JSON.stringify(request));
  return text === undefined ? undefined : JSON.parse(text);
};

describe('jsonRpcHandler()', () => {
  it('answers a request with its id', async () => {
    expect(await answer({ jsonrpc: '2.0', id: 7, method: 'a', params: [1] })).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: { method: 'a', params: [1] },
    });
  });

  it('answers nothing to a notification, but runs it', async () => {
    seen.length = 0;
    expect(await answer({ jsonrpc: '2.0', method: 'a' })).toBeUndefined();
    expect(await answer({ jsonrpc: '2.0', method: 'fail' })).toBeUndefined();
    expect(seen).toEqual([
      ['a', undefined],
      ['fail', undefined],
    ]);
  });

  it('answers a batch', async () => {
    const batch = [1, 2].map(id => ({ jsonrpc: '2.0', id, method: 'a' }));
    expect((await answer(batch)).map((r: { id: number }) => r.id)).toEqual([1, 2]);
  });

  it('passes the code of an RpcError on, and 500 for a bug', async () => {
    expect(await answer({ jsonrpc: '2.0', id: 1, method: 'fail' })).toMatchObject({
      id: 1,
      error: { code: 404, message: 'Variable not found' },
    });
    expect(await answer({ jsonrpc: '2.0', id: 1, method: 'bug' })).toMatchObject({ error: { code: 500 } });
  });

  it.each(['', '{', 'null', '0', '""'])('answers -32700 to %j', async text => {
    expect(await answer(text)).toMatchObject({ error: { code: -32700 } });
  });

  it.each([
    '1',
    '"x"',
    '{}',
    '[]',
    '[null]',
    '[1]',
    '{"jsonrpc":"2.0","id":1,"method":5}',
    '{"jsonrpc":"1.0","id":1,"method":"a"}',
  ])('answers -32600 to %s', async text => {
    expect(await answer(text)).toMatchObject({ error: { code: -32600 } });
  });
});
