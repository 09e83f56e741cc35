/** The contract of extension modules: the number portability of examples/modules, however it was built and loaded here. */
import { contains, equal, ok, throws } from './check.ts';
import { type Api, type HostFixture, TestHost } from './host.ts';
import type { Suite } from './suite.ts';

export interface ComponentFixture extends HostFixture {
  /** examples/modules/assemblyscript, compiled here or ahead of time */
  readonly numport: Api.Component;
  /** how it was built, for the suite's name */
  readonly built: string;
}

const LUA = `function ksr_request_route()
  local carrier = KSR.numport.lookup(KSR.pv.gete('$hdr(X-Number)'))
  local marked = KSR.numport.mark()
  if marked == 1 then KSR.textopsx.msg_apply_changes() end
  KSR.sl.sl_send_reply(200, (carrier or 'nobody') .. ' ' .. marked .. ' ' .. KSR.pv.gete('$hdr(X-Carrier)'))
end`;
const BLOCKS = `request_route {
  if (numport_lookup("$hdr(X-Number)", "$var(carrier)")) { sl_send_reply("200", "$var(carrier)"); }
  else { sl_send_reply("404", "nobody"); }
}`;
const entries = (...values: string[]) => values.map(value => ({ module: 'numport', name: 'entry', value }));
const ENTRIES = entries('49=>carrier-a', '4930=>carrier-b');

export function componentContract(fixture: ComponentFixture): Suite {
  const make = (options: Partial<Api.RuntimeOptions> = {}, grants: readonly Api.Grant[] = ['edit']) =>
    new TestHost(fixture, undefined, {
      components: [{ name: 'numport', component: fixture.numport, grants }],
      modparams: ENTRIES,
      ...options,
    });
  return {
    name: `an extension module, ${fixture.built},`,
    ability: 'extension modules (WebAssembly components)',
    cases: [
      {
        name: 'gives texts to scripts, reads a header and appends one',
        run() {
          const t = make();
          t.load(LUA);
          for (let i = 0; i < 50; i++) {
            equal(t.ask(['X-Number: 493012345']), ['200 carrier-b 1 carrier-b']);
            equal(t.ask(['X-Number: 4988']), ['200 carrier-a 1 carrier-a']);
            equal(t.ask(['X-Number: 33']), ['200 nobody -1 ']);
            equal(t.ask(), ['200 nobody -1 ']);
          }
          equal(t.runtime.liveMessages, 0);
        },
      },
      {
        name: 'is called from routing blocks',
        run() {
          const t = make({ engine: 'native' });
          t.load(BLOCKS, 'kamailio.cfg');
          equal(t.ask(['X-Number: 493012345']), ['200 carrier-b']);
          equal(t.ask(['X-Number: 33']), ['404 nobody']);
        },
      },
      {
        name: 'that calls what it was not granted costs that call',
        run() {
          const t = make({}, []);
          t.load(LUA);
          for (let i = 0; i < 20; i++) {
            equal(t.ask(['X-Number: 493012345']), ['200 carrier-b -255 ']);
            equal(t.ask(['X-Number: 33']), ['200 nobody -1 ']);
          }
          ok(
            t.logged.some(l => l.level === 'error' && l.text.includes('numport')),
            'an error in the log that names it',
          );
        },
      },
      {
        name: 'that has no steps left is stopped, the message goes on',
        run() {
          const t = make({
            components: [{ name: 'numport', component: fixture.numport, grants: ['edit'], limits: { steps: 20_000 } }],
          });
          t.load(LUA);
          const long = `X-Number: ${'9'.repeat(2000)}`;
          contains(t.ask([long])[0] ?? '', /^200 nobody -255 $/);
          equal(t.ask(['X-Number: 493012345']), ['200 carrier-b 1 carrier-b']);
        },
      },
      {
        name: 'that refuses a parameter says why',
        run() {
          contains(throws(() => make({ modparams: entries('nonsense') })).message, 'is not PREFIX=>CARRIER');
        },
      },
      {
        name: 'does not grow with its calls',
        run() {
          const t = make();
          t.load(`function ksr_request_route()
            for i = 1, 20000 do KSR.numport.lookup('4930' .. i) end
            KSR.sl.sl_send_reply(200, 'OK')
          end`);
          for (let i = 0; i < 5; i++) equal(t.ask(), ['200 OK']);
          const memoryBytes = t.runtime.components[0]?.memoryBytes ?? 0;
          ok(memoryBytes > 0 && memoryBytes < 4 << 20, `less than 4 MiB, not ${memoryBytes}`);
        },
      },
    ],
  };
}
