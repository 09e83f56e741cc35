import { beforeAll, describe, expect, it } from 'vitest';
import type { Component } from '../../../src/components/instance.ts';
import { loadComponent } from '../../../src/components/load.ts';
import { acmeBytes } from '../../support/acme.ts';
import { request, testRuntime } from '../../support/runtime.ts';
import { nativeRuntime } from '../interp/cfg/native.ts';

let acme: Component;
beforeAll(async () => {
  acme = await loadComponent(await acmeBytes(), 'acme.wasm');
});
const options = () => ({
  components: [{ name: 'acme', component: acme, grants: ['edit'] as const }],
  modparams: [{ module: 'acme', name: 'entry', value: '49=>carrier' }],
});

describe('native commands of a component', () => {
  it('have the name of the module in front, and a variable for what they give', () => {
    const { receive, said } = nativeRuntime(
      `request_route {
        $var(number) = "49";
        if (acme_lookup("$var(number)", "$var(carrier)")) xlog("@@found $var(carrier) $rc@@");
        if (!acme_lookup("50", $var(carrier))) xlog("@@none $var(carrier) $rc@@");
        acme_upper("abc $rm", "$avp(up)");
        xlog("@@$avp(up)@@");
        acme_positive("-3"); xlog("@@$rc@@");
        acme_inc("41"); xlog("@@$rc@@");
        if (acme_not(0)) xlog("@@true@@");
        acme_trap(); xlog("@@$rc@@");
        xlog("@@behind@@");
      }`,
      options(),
    );
    receive(request());
    expect(said()).toEqual(['found carrier 1', 'none 0 -1', 'ABC OPTIONS', '-1', '42', 'true', '-255', 'behind']);
  });

  it('are checked when the config is read', () => {
    const { runtime } = testRuntime(undefined, { engine: 'native', ...options() });
    const check = (block: string) =>
      runtime
        .check({ name: 'k.cfg', source: Uint8Array.from(`request_route { ${block} }`, c => c.charCodeAt(0)) })
        .map(d => d.message);
    expect(check('acme_lookup("1");')).toEqual(['acme_lookup takes 2 parameters, not 1']);
    expect(check('acme_lookup("1", "$si");')).toEqual([
      'acme_lookup: $si cannot be set, and so cannot take the result',
    ]);
    expect(check('acme_lookup("1", 5);')).toEqual([
      'acme_lookup: the last parameter is a variable that takes the result, for example "$var(x)"',
    ]);
    expect(check('acme_lokup("1", "$var(x)");')[0]).toContain('did you mean acme_lookup');
    expect(check('acme_inc("one");')).toEqual(['acme_inc: this parameter is a number, not "one"']);
  });
});

describe('what knows the functions of KSR', () => {
  it('knows those of a component', async () => {
    const { runtime } = testRuntime(undefined, options());
    const source = (text: string) => ({ name: 't.lua', source: Uint8Array.from(text, c => c.charCodeAt(0)) });
    expect(
      runtime.check(source('function ksr_request_route() KSR.acme.inc() KSR.acme.lokup("a") end')).map(d => d.message),
    ).toEqual([
      expect.stringContaining('KSR.acme.inc'),
      expect.stringContaining('KSR.acme.lokup does not exist, did you mean KSR.acme.lookup'),
    ]);
    const { methods } = (await runtime.rpc.call('app_lua.api_list')) as { methods: { func: object }[] };
    expect(methods.map(m => m.func)).toContainEqual({ ret: 'xval', module: 'acme', name: 'lookup', params: 'str' });
    expect(runtime.modules).toContain('acme');
  });
});
