/** The statements `listen`, `socket` and `alias`. */
import { utf8Of } from '../core/memory.ts';
import { type Address, AddressError, addressText, parseAddress, portNumber } from './addresses.ts';
import type { AliasSetting, ListenSetting, Token } from './config.ts';
import type { Diagnostics } from './diagnostics.ts';
import { isKeyword } from './parameters.ts';
import { Mistake, type Tokens } from './tokens.ts';

/** A range of ports larger than this is a mistake. */
const MAX_PORTS = 1024;

export class Addresses {
  readonly listen: ListenSetting[] = [];
  readonly aliases: AliasSetting[] = [];
  readonly #tokens: Tokens;
  readonly #found: Diagnostics;

  constructor(tokens: Tokens, found: Diagnostics) {
    this.#tokens = tokens;
    this.#found = found;
  }

  /** `listen = address [advertise address] [name "..."] [virtual]`, several of them one after the other. */
  readListen(start: Token): void {
    do {
      const at = this.#tokens.peek();
      const addresses = this.#list(start);
      let advertise: Address | undefined;
      if (this.#word('advertise')) advertise = this.#address(start);
      let name = '';
      if (this.#word('name')) name = this.#tokens.string('the name of a socket is a string').text;
      if (this.#word('virtual')) this.#virtual(at);
      const late = this.#tokens.peek();
      if (late.kind === 'word' && ['advertise', 'name', 'virtual'].includes(late.text))
        throw new Mistake(late, `"${late.text}" stands too late: the order is advertise, name, virtual`);
      for (const address of addresses) this.#add(address, advertise, name, at);
    } while (this.#more());
  }

  /** `socket = { bind = ...; advertise = ...; name = "..."; }` */
  readSocket(start: Token): void {
    const at = this.#tokens.peek();
    this.#tokens.expect('{', start);
    let bind: Address | undefined;
    let advertise: Address | undefined;
    let name = '';
    while (!this.#tokens.accept('}')) {
      if (this.#tokens.accept(';')) continue;
      const key = this.#tokens.next();
      if (key.kind === 'end') throw new Mistake(at, 'this socket is not closed: a "}" is missing');
      this.#tokens.expect('=', start);
      if (key.text === 'bind') bind = this.#address(start);
      else if (key.text === 'advertise') advertise = this.#address(start);
      else if (key.text === 'name') name = this.#tokens.string('the name of a socket is a string').text;
      else if (key.text === 'virtual') {
        if (!/^(no|off|false|disable|0)$/.test(this.#tokens.next().text)) this.#virtual(key);
      } else if (key.text === 'agname' || key.text === 'vrf' || key.text === 'workers') {
        const value = this.#tokens.next();
        this.#found.warning(key, `${key.text} "${utf8Of(value.text)}" of a socket has no meaning here and is ignored`);
      } else
        throw new Mistake(key, `a socket has no "${key.text}": it has bind, advertise, name, virtual, agname and vrf`);
    }
    if (!bind) throw new Mistake(start, 'this socket has no bind: write bind = udp:ADDRESS:PORT;');
    this.#add(bind, advertise, name, at);
  }

  readAliases(start: Token): void {
    do {
      const at = this.#tokens.peek();
      this.aliases.push({ text: addressText(this.#address(start)), at: position(at) });
    } while (this.#more());
  }

  #virtual(at: Token): void {
    this.#found.warning(at, 'a virtual address counts as ours at all times here');
  }

  #word(text: string): boolean {
    const token = this.#tokens.peek();
    if (token.kind !== 'word' || token.text !== text) return false;
    this.#tokens.next();
    return true;
  }

  /** Whether what comes next is one more address, not a statement: Kamailio takes several, over lines too. */
  #more(): boolean {
    if (this.#tokens.accept(';')) return false;
    const token = this.#tokens.peek();
    if (token.kind === 'end' || (token.kind === 'word' && isKeyword(token.text) && this.#tokens.peek(1).text !== ':'))
      return false;
    if (!token.first) return true;
    // An unknown parameter on a line of its own; `group.name = value`.
    return token.kind !== 'word' || !(this.#tokens.peek(1).text === '=' || this.#tokens.peek(3).text === '=');
  }

  /** One address, or several in brackets: `udp:(lo, 10.0.0.1):5060`. */
  #list(start: Token): Address[] {
    const proto = this.#tokens.peek(1).text === ':' && this.#tokens.peek(2).text === '(';
    if (!proto && this.#tokens.peek().text !== '(') return [this.#address(start)];
    const prefix = proto ? `${this.#tokens.next().text}:` : '';
    if (proto) this.#tokens.next();
    this.#tokens.expect('(', start);
    const hosts: { text: string; at: Token }[] = [];
    do {
      const at = this.#tokens.peek();
      let text = this.#tokens.next().text;
      for (
        let t = this.#tokens.peek();
        t.glued && ![',', ')'].includes(t.text) && t.kind !== 'end';
        t = this.#tokens.peek()
      )
        text += this.#tokens.next().text;
      hosts.push({ text, at });
    } while (this.#tokens.accept(','));
    this.#tokens.expect(')', start);
    let port = '';
    if (this.#tokens.accept(':')) port = `:${this.#tokens.next().text}`;
    return hosts.map(({ text, at }) =>
      read(`${prefix}${text.includes(':') && !text.startsWith('[') ? `[${text}]` : text}${port}`, at),
    );
  }

  #address(start: Token): Address {
    const at = this.#tokens.peek();
    const quoted = at.kind === 'string' && !this.#tokens.peek(1).glued;
    const address = read(utf8Of(this.#tokens.bare(start)), at);
    if (quoted && address.proto)
      throw new Mistake(at, 'only the host may stand in quotes: write udp:"HOST":PORT, or no quotes');
    return address;
  }

  #add(address: Address, advertise: Address | undefined, name: string, at: Token): void {
    const { proto, host, port, lastPort = port } = address;
    if (advertise?.proto) throw new Mistake(at, 'advertise takes no protocol: it is the one of the socket');
    const count = lastPort === undefined || port === undefined ? 1 : lastPort - port + 1;
    if (count > MAX_PORTS) throw new Mistake(at, `a range of ${count} ports is too large: at most ${MAX_PORTS}`);
    for (let i = 0; i < count; i++) {
      const advertised = advertise && {
        host: advertise.host,
        ...(advertise.port !== undefined && { port: portNumber(String(advertise.port + i)) }),
      };
      this.listen.push({
        ...(proto && { proto }),
        host,
        ...(port !== undefined && { port: port + i }),
        ...(advertised && { advertise: advertised }),
        ...(name && { name: count > 1 ? `${name}${port! + i}` : name }),
        at: position(at),
      });
    }
  }
}

const position = ({ file, line, column }: Token) => ({ file, line, column });

function read(text: string, at: Token): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new Mistake(at, `cannot use the address "${text}": ${error.message}`);
  }
}
