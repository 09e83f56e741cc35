/** The first thing that a new user tries: the built-in script, asked by sipsak. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { needs } from './needs.ts';
import { startServer } from './server.ts';

/** sipsak 0.9.8 loses the fifth digit of a port in the Request-URI. */
const PORT = 9060;

test.skipIf(needs('sipsak'))('npm start answers sipsak within 5 s of starting', { timeout: 20_000 }, async () => {
  const server = await startServer(['--listen', `udp:127.0.0.1:${PORT}`, '--no-ctl'], PORT);
  try {
    const said = execFileSync('sipsak', ['-v', '-s', `sip:127.0.0.1:${PORT}`], { encoding: 'utf8', timeout: 5_000 });
    expect(said).toMatch(/SIP\/2\.0 200 /);
    expect(server.startMs).toBeLessThan(5_000);
    console.log(`sipsak: the first answer came ${Math.round(server.startMs)} ms after the start`);
  } finally {
    expect(await server.stop('SIGINT')).toBe(0);
  }
});

test.skipIf(needs('sipsak'))('and over TCP', { timeout: 20_000 }, async () => {
  const listen = ['--listen', `udp:127.0.0.1:${PORT}`, '--listen', `tcp:127.0.0.1:${PORT}`];
  const server = await startServer([...listen, '--no-ctl'], PORT);
  try {
    const asked = ['-v', '-E', 'tcp', '-s', `sip:127.0.0.1:${PORT}`];
    const said = execFileSync('sipsak', asked, { encoding: 'utf8', timeout: 5_000 });
    expect(said).toMatch(/SIP\/2\.0 200 /);
  } finally {
    expect(await server.stop('SIGINT')).toBe(0);
  }
});
