import { describe, expect, it } from 'vitest';
import hdr from '../../../src/modules/hdr/index.ts';
import textops from '../../../src/modules/textops/index.ts';
import textopsx from '../../../src/modules/textopsx/index.ts';
import { MessageBench, readGolden, replayMessages, unexplained } from './message-golden.ts';

const bench = new MessageBench([hdr, textops, textopsx]);
const { messages } = readGolden('textops');

function resultOf(message: string, ...calls: [string, ...(string | number)[]][]): { results: unknown[]; out: string } {
  bench.open(messages.get(message)!);
  const results = calls.map(([name, ...args]) => bench.call(name, ...args));
  const out = bench.written();
  return { results, out };
}

describe('textops', () => {
  it('does with messages what the real server did, but for what docs/differences.md lists', () => {
    const differences = replayMessages(bench, 'textops', /^textops\./, () => false);
    expect(
      unexplained(differences, {
        'Content-Length follows every change of the body':
          /^(text|nocl|badcl): textops\.(search_append|replace|replace_all|replace_str|subst|subst_body)\(.*theirs \["(Content-Length|")/,
        '^ does not match behind a CR': /replace_body_all\("\^\.\*"/,
        'replace_body_atonce takes the body as one piece': /replace_body_atonce\(/,
        'octets behind Content-Length are no part of the body': /^(badcl|nocl): textops\.set_body\(/,
        'set_body twice leaves one Content-Type': /set_body\("one".*set_body\("two"/,
        'a removed Content-Length leaves nothing behind': /remove_hf\("Content-Length"\)/,
        'a second set_reply_body changes nothing': /set_reply_body\("a".*set_reply_body\("b"/,
        "filter_body leaves the part's headers out": /filter_body\(/,
        'a part is found whatever parameters its type has': /application\/isup|pv\.get\("\$var\([pq]\)"\): theirs 0/,
        'multipart bodies are closed': /set_body_multipart/,
        'media types are compared by name': /has_body_type\(/,
        'a NULL text is an empty one': /str_find\("a", null\)/,
        'a negative group is an error': /regex_substring\("abc", "b", -1/,
        "a request URI that the server's own parser refuses": /^text: pv\.get\("\$r[uUd]"\)/,
        "the reply's first Via is not the text that was replaced": /^reply: textops\.replace\("SIP"/,
      }),
    ).toEqual([]);
  });

  it('closes multipart bodies and adds parts to them', () => {
    const { results, out } = resultOf(
      'text',
      ['textops.set_body_multipart', 'one', 'text/a', 'B'],
      ['textopsx.msg_apply_changes'],
      ['textops.append_body_part_cd', 'two', 'text/b', 'session'],
      ['textops.append_body_part_hex', '74 68', 'text/c'],
    );
    expect(results).toEqual([1, 1, 1, 1]);
    expect(out.slice(out.indexOf('\r\n\r\n') + 4)).toBe(
      '--B\r\nContent-Type: text/a\r\n\r\none\r\n--B\r\nContent-Type: text/b\r\nContent-Disposition: session\r\n\r\ntwo\r\n' +
        '--B\r\nContent-Type: text/c\r\n\r\nth\r\n--B--\r\n',
    );
    expect(out).toContain('Content-Length: 138\r\n');
  });

  it('replaces the body from hex, and refuses what is no hex', () => {
    expect(resultOf('text', ['textops.set_body_hex', '00 ff 41', 'a/b']).out).toContain('\r\n\r\n\x00\xffA');
    expect(resultOf('text', ['textops.set_body_hex', '4', 'a/b']).results).toEqual([-1]);
    expect(resultOf('text', ['textops.set_reply_body_hex', '4x', 'a/b']).results).toEqual([-1]);
    expect(resultOf('text', ['textops.set_reply_body_hex', '41', 'a/b']).results).toEqual([1]);
  });

  it('subst_v() stores the text with substitutions', () => {
    expect(resultOf('text', ['textops.subst_v', 'a-b-c', '/-(.)/+\\1/g', '$var(x)']).results).toEqual([1]);
    expect(bench.pv('$var(x)')?.get()).toBe('a+b+c');
    expect(resultOf('text', ['textops.subst_v', 'abc', '/x/y/', '$var(x)']).results).toEqual([-1]);
    expect(resultOf('text', ['textops.subst_v', 'abc', '/b/y/', 'var']).results).toEqual([-1]);
  });

  it('str_any_in() and str_all_in() look at single characters', () => {
    expect(
      resultOf(
        'text',
        ['textops.str_any_in', 'hello', 'xyzo'],
        ['textops.str_any_in', 'hello', 'xyz'],
        ['textops.str_all_in', '+4912', '+0123456789'],
        ['textops.str_all_in', '+49x', '+0123456789'],
        ['textops.str_all_in', '', 'a'],
      ).results,
    ).toEqual([1, -1, 1, -1, -1]);
  });

  it('replaces thousands of matches', () => {
    bench.open(`${messages.get('nocl')!.split('\r\n\r\n')[0]}\r\n\r\n${'ab '.repeat(10000)}`);
    expect(bench.call('textops.replace_body_all', 'a', 'XY')).toBe(1);
    const out = bench.written();
    expect(out.slice(out.indexOf('\r\n\r\n') + 4)).toBe('XYb '.repeat(10000));
    expect(out).toContain('Content-Length: 40000\r\n');
  });

  it('survives broken multipart bodies', () => {
    const head = 'INVITE sip:a@b SIP/2.0\r\nContent-Type: multipart/mixed;boundary=b\r\n';
    for (const body of [
      '',
      '--b',
      '--b\r\n',
      '--b--',
      '--b\r\n\r\n--b--\r\n',
      'x',
      '--b\r\nContent-Type: t/x',
      '--b\n--b\n',
      '--b\r\nContent-Type',
    ]) {
      bench.open(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      for (const name of ['filter_body', 'remove_body_part'])
        expect([1, -1]).toContain(bench.call(`textops.${name}`, 't/x'));
      expect([1, -1]).toContain(bench.call('textops.get_body_part', 't/x', '$var(x)'));
      expect([1, -1]).toContain(bench.call('textops.append_body_part', 'new', 't/y'));
      expect(bench.call('textops.is_audio_on_hold')).toBe(-1);
    }
  });
});
