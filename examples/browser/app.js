// The runtime in a page: it gets a script and messages, and says what it sends. One ES module, no bundler.
import { createRuntime, loadWasm, VERSION } from '../../build/kemi-wasm.js';
import { MESSAGES, SCRIPT } from './samples.js';

const $ = id => document.getElementById(id);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const PROTOCOLS = ['udp', 'tcp', 'ws'];
const MAX_SHOWN = 200;

/** @param kind sent, log or error */
function show(kind, what, text) {
  const item = document.createElement('li');
  item.className = kind;
  const line = document.createElement('div');
  line.className = 'what';
  const time = document.createElement('time');
  time.textContent = new Date().toISOString().slice(11, 23);
  line.append(time, what);
  item.append(line);
  if (text) {
    const pre = document.createElement('pre');
    pre.textContent = text.trimEnd();
    item.append(pre);
  }
  const list = $('happened');
  list.querySelector('.empty')?.remove();
  list.prepend(item);
  while (list.children.length > MAX_SHOWN) list.lastChild.remove();
}

const log = (level, kind) => (fields, message) => show(kind, `${level}: ${message}`, fields.traceback);

function start(wasm) {
  return createRuntime({
    wasm,
    // There is no network: these are the addresses that messages are told to have come to.
    sockets: PROTOCOLS.map(proto => ({ proto, ip: '192.0.2.1', port: 5060 })),
    send(socket, bytes, ip, port) {
      show('sent', `sends to ${socket.proto}:${ip}:${port}`, decoder.decode(bytes));
      return true;
    },
    log: {
      level: 'info',
      trace() {},
      debug() {},
      info: log('info', 'log'),
      warn: log('warn', 'log'),
      error: log('error', 'error'),
      fatal: log('fatal', 'error'),
    },
    aliases: ['example.com'],
    // a page that hangs is worse than a route that ends
    limits: { instructions: 20_000_000, memoryPages: 2048 },
  });
}

function load(runtime) {
  const script = { name: 'script.lua', source: encoder.encode($('script').value) };
  const found = runtime.check(script);
  $('diagnostics').replaceChildren(
    ...found.map(({ severity, line, column, message }) => {
      const item = document.createElement('li');
      item.className = severity === 'error' ? 'bad' : '';
      item.textContent = `${line}:${column}: ${severity}: ${message}`;
      return item;
    }),
  );
  if (found.some(d => d.severity === 'error')) return;
  runtime.load(script);
  $('running').textContent = `runs since ${new Date().toLocaleTimeString()}`;
}

let count = 0;

/** Branch, tag and Call-ID are new each time: the same ones again would be a retransmission. */
function sample() {
  count++;
  const text = MESSAGES[$('sample').value].replaceAll('{n}', `${Date.now().toString(36)}${count}`);
  $('message').value = text;
  $('ip').value = /^Via: \S+ ([\d.]+)/m.exec(text)[1];
}

function receive(runtime) {
  const text = $('message').value.replace(/\r?\n/g, '\r\n');
  const port = Number($('port').value);
  if (!(port > 0 && port < 65536)) return show('error', 'The port is no number from 1 to 65535');
  const proto = $('proto').value;
  const from = { ip: $('ip').value.trim(), port, ...(proto !== 'udp' && { connection: 1 }) };
  const verdict = runtime.receive(encoder.encode(text), from, PROTOCOLS.indexOf(proto));
  if (verdict !== 'routed') show(verdict === 'bad' ? 'error' : 'log', `the message is ${verdict}`);
  $('memory').textContent = `${runtime.memoryBytes >> 20} MiB of memory`;
}

try {
  const runtime = start(await loadWasm());
  $('script').value = SCRIPT;
  $('sample').append(...Object.keys(MESSAGES).map(name => new Option(name)));
  sample();
  load(runtime);
  $('status').textContent = `kemi-wasm ${VERSION}, ${runtime.modules.length} modules.`;
  $('load').addEventListener('click', () => load(runtime));
  $('receive').addEventListener('click', () => receive(runtime));
  $('sample').addEventListener('change', sample);
  $('clear').addEventListener('click', () => $('happened').replaceChildren());
  for (const id of ['load', 'receive']) $(id).disabled = false;
} catch (error) {
  $('status').className = 'bad';
  $('status').textContent = `${error.message} (open this page through a server of files, and run npm run build first)`;
}
