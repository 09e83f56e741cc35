/** examples/browser in Chromium: a script is loaded, messages go in, what it would send comes out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenPage, openPage } from '../support/browser-page.ts';
import { missing } from './missing.ts';

describe.skipIf(missing('chromium'))('the page', () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage({}, '/examples/browser/index.html');
    await open.page.waitForFunction('!document.getElementById("receive").disabled');
  });
  afterAll(() => open?.close());

  const receive = async (sample: string) => {
    const { page } = open;
    await page.click('#clear');
    await page.selectOption('#sample', sample);
    await page.click('#receive');
    return page.innerText('#happened');
  };

  it('shows what the script sends, and to whom', async () => {
    expect(await open.page.innerText('#status')).toMatch(/^kemi-wasm \d+\.\d+\.\d+, \d+ modules\.$/);
    expect(await receive('OPTIONS')).toMatch(/sends to udp:198\.51\.100\.7:5060\s+SIP\/2\.0 200 Hello alice/);
    expect(await receive('INVITE bob')).toContain('SIP/2.0 404 Not Found');
    expect(await receive('REGISTER bob')).toContain('SIP/2.0 200 OK');
    const happened = await receive('INVITE bob');
    expect(happened).toContain('SIP/2.0 100 trying');
    expect(happened).toMatch(/sends to udp:203\.0\.113\.5:5060\s+INVITE sip:bob@203\.0\.113\.5:5060/);
  });

  it('its clock runs: the INVITE is sent again', async () => {
    await receive('INVITE bob');
    await expect
      .poll(
        async () => (await open.page.innerText('#happened')).split('\n').filter(l => l.startsWith('INVITE ')).length,
      )
      .toBeGreaterThanOrEqual(2);
  });

  it('says what is wrong with a script, and keeps the one that ran', async () => {
    const { page } = open;
    const script = await page.inputValue('#script');
    await page.fill('#script', 'function ksr_request_route()\n\tKSR.sl.sl_sendreply(200)\nend');
    await page.click('#load');
    expect(await page.innerText('#diagnostics')).toContain('2:9: error: KSR.sl.sl_sendreply does not exist');
    expect(await receive('OPTIONS')).toContain('200 Hello alice');
    await page.fill('#script', script.replace('Hello', 'Goodbye'));
    await page.click('#load');
    expect(await page.innerText('#diagnostics')).toBe('');
    expect(await receive('OPTIONS')).toContain('200 Goodbye alice');
  });

  it('a script that does not end is stopped, and the page lives on', async () => {
    const { page } = open;
    const script = await page.inputValue('#script');
    await page.fill('#script', 'function ksr_request_route() while true do end end');
    await page.click('#load');
    const happened = await receive('OPTIONS');
    expect(happened).toContain('error from Lua: script.lua:1: instruction limit reached');
    expect(happened).toContain('SIP/2.0 500');
    await page.fill('#script', script);
    await page.click('#load');
    expect(await receive('OPTIONS')).toContain('SIP/2.0 200');
  });

  it('bytes that are no SIP are told', async () => {
    const { page } = open;
    await page.click('#clear');
    await page.fill('#message', 'hello');
    await page.click('#receive');
    expect(await page.innerText('#happened')).toContain('the message is bad');
    expect(open.log).toEqual([]);
  });
});
