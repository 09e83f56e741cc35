/**
 * The Durable Object: one SIP server. Its WebSockets are the platform's to keep, so that it may sleep while nothing happens: what a connection needs to be found again travels with
 * the socket, registrations are in the object's storage, and the runtime is made anew when the next message wakes it.
 */
import { type Address, addressOf, socketsOf } from './address.ts';
import type { Connection, ConnectionRecord } from './connections.ts';
import { type Door, SUB_PROTOCOL } from './door.ts';
import { HttpError, json, readBody, wantMethod } from './http.ts';
import { hasSql, OBJECT_URL, objectSecret, openObjectStorage } from './object-storage.ts';
import type { Setup, WorkerOptions } from './options.ts';
import {
  autoResponse,
  type Env,
  type ObjectState,
  type ServerSocket,
  socketPair,
  switchingProtocols,
} from './platform.ts';
import { originOf, routeMessage } from './route-message.ts';
import { Service, type ServiceParts } from './service.ts';

const MAX_RPC_BYTES = 65536;
/** how often an object that sleeps is woken to tidy up, while it has connections; milliseconds */
const TICK_MS = 60_000;
/** RFC 6455 7.4.1 */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;
/** codes that only ever are reported, never sent */
const NO_CODE = [1005, 1006, 1015];

/** What travels with a socket. */
interface Attachment extends ConnectionRecord {
  readonly address: Address;
}

export class SipObject {
  readonly #options: WorkerOptions;
  readonly #setup: (env: Env) => Setup;
  readonly #door: Door;
  readonly #state: ObjectState;
  readonly #env: Env;
  readonly #connections = new WeakMap<ServerSocket, Connection>();
  #service: Service | undefined;
  #alarmSet = false;

  constructor(options: WorkerOptions, setup: (env: Env) => Setup, door: Door, state: ObjectState, env: Env) {
    this.#options = options;
    this.#setup = setup;
    this.#door = door;
    this.#state = state;
    this.#env = env;
    // RFC 5626 3.5.1, without waking anybody
    state.setWebSocketAutoResponse(autoResponse('\r\n\r\n', '\r\n'));
  }

  fetch(request: Request): Promise<Response> {
    return this.#door.answer(async () => {
      if (this.#door.isUpgrade(request)) return this.#upgrade(request);
      const path = this.#door.path(request, this.#env);
      wantMethod(request, path === '/health' ? 'GET' : 'POST');
      const service = this.#serve(() => addressOf(this.#options.address, request));
      const knows = this.#door.knows(request, this.#env);
      if (path === '/health') return json(200, service.health(knows !== false));
      if (path === '/rpc') {
        const text = new TextDecoder().decode(await readBody(request, MAX_RPC_BYTES));
        const answer = await service.rpc(text);
        return answer === undefined ? new Response(null, { status: 204 }) : json(200, JSON.parse(answer));
      }
      const peer = this.#door.peer(request);
      const asked = originOf(new URL(request.url));
      if (asked && knows !== true) throw new HttpError(403, 'from: only with a token');
      if (asked && asked.proto !== 'ws') throw new HttpError(400, 'from: only ws, there is nothing else here');
      const origin = asked ?? { proto: 'ws' as const, ip: peer, port: 0 };
      this.#wakeLater();
      return routeMessage(service, request, origin, origin.ip.includes(':') ? 1 : 0, false);
    });
  }

  webSocketMessage(socket: ServerSocket, data: string | ArrayBuffer): void {
    const found = this.#find(socket);
    if (!found) return;
    this.#wakeLater();
    found.service.connections.frame(found.connection, data);
  }

  webSocketClose(socket: ServerSocket, code: number, reason: string): void {
    const found = this.#find(socket);
    found?.service.connections.closed(found.connection, NO_CODE.includes(code) ? NORMAL : code, reason);
  }

  webSocketError(socket: ServerSocket): void {
    const found = this.#find(socket);
    found?.service.connections.drop(found.connection, undefined, '', 'reset');
  }

  /** Woken to tidy up: contacts that have expired and the like. */
  async alarm(): Promise<void> {
    this.#alarmSet = false;
    const service = this.#awake();
    service?.tick();
    if (service && service.connections.connections > 0) this.#wakeLater();
  }

  #upgrade(request: Request): Response {
    this.#door.wantSip(request);
    const ip = this.#door.peer(request);
    const address = addressOf(this.#options.address, request);
    const service = this.#serve(() => address);
    const refusal = service.refusal(ip);
    if (refusal) throw new HttpError(503, refusal, { 'Retry-After': '10' });
    // a script that does not load is told now, not with the first message
    void service.runtime;
    const [client, socket] = socketPair();
    this.#state.acceptWebSocket(socket);
    const connection = service.accept(socket, { ip });
    const { id, port } = connection;
    socket.serializeAttachment?.({ id, ip, port, address } satisfies Attachment);
    this.#connections.set(socket, connection);
    this.#wakeLater();
    return switchingProtocols(client, { 'Sec-WebSocket-Protocol': SUB_PROTOCOL });
  }

  /** The service, with the connections that were there before the object slept. */
  #serve(address: () => Address): Service {
    if (this.#service) return this.#service;
    const held = this.#state.getWebSockets().map(socket => ({ socket, record: attachmentOf(socket) }));
    const known = held.find(h => h.record)?.record?.address;
    const { hibernate } = this.#options;
    const service = new Service({
      options: this.#options,
      ...this.#stored(),
      sockets: socketsOf('ws', known ?? address()),
      patient: hibernate !== false,
    });
    for (const { socket, record } of held) {
      if (record) this.#connections.set(socket, service.accept(socket, record));
      else socket.close(GOING_AWAY, 'unknown connection');
    }
    this.#service = service;
    return service;
  }

  /** The service behind a wake-up that no request brought; undefined when nobody is connected. */
  #awake(): Service | undefined {
    if (this.#service) return this.#service;
    const [first] = this.#state.getWebSockets();
    const address = first && attachmentOf(first)?.address;
    return address && this.#serve(() => address);
  }

  #find(socket: ServerSocket): { service: Service; connection: Connection } | undefined {
    try {
      const service = this.#awake();
      const connection = this.#connections.get(socket) ?? service?.connections.find(attachmentOf(socket)?.id ?? 0);
      if (service && connection && service.connections.find(connection.id) === connection)
        return { service, connection };
    } catch (error) {
      void this.#door.answer(() => Promise.reject(error));
    }
    try {
      socket.close(INTERNAL_ERROR, 'unknown connection');
    } catch {
      // closed already
    }
    return undefined;
  }

  /** What is kept where: registrations go to the object's storage as they come, unless the owner says otherwise. */
  #stored(): Pick<ServiceParts, 'setup' | 'database'> {
    const { store } = this.#options;
    const plain = this.#setup(this.#env);
    const { storage } = this.#state;
    if (store === 'memory' || (store === undefined && !hasSql(storage))) return { setup: plain };
    const secret = objectSecret(storage);
    const options = secret ? { ...plain.options, secret } : plain.options;
    const database = typeof store === 'object' ? store : { open: openObjectStorage(storage), url: OBJECT_URL };
    const { modules, modparams = [] } = options;
    const hasLocation = modules === undefined || modules.includes('usrloc');
    // Opened at once, so that contacts that expired while the object slept are found when it is woken to tidy up.
    const wanted = [
      { module: 'usrloc', name: 'db_mode', value: 1 },
      { module: 'usrloc', name: 'preload', value: 'location' },
    ].filter(w => hasLocation && !modparams.some(p => p.module === w.module && p.name === w.name));
    const written = [...modparams, ...wanted];
    return { setup: { ...plain, options: { ...options, modparams: written } }, database };
  }

  /** Sees to it that somebody tidies up although the object sleeps. */
  #wakeLater(): void {
    if (this.#alarmSet || this.#options.hibernate === false) return;
    this.#alarmSet = true;
    const { storage } = this.#state;
    void (async () => {
      if ((await storage.getAlarm()) === null) await storage.setAlarm(Date.now() + TICK_MS);
    })().catch(error => {
      this.#alarmSet = false;
      this.#service?.log.error({ err: error }, 'Cannot set an alarm');
    });
  }
}

function attachmentOf(socket: ServerSocket): Attachment | undefined {
  const value = socket.deserializeAttachment?.();
  return isAttachment(value) ? value : undefined;
}

/** An older version of this package may have written it. */
function isAttachment(value: unknown): value is Attachment {
  if (typeof value !== 'object' || value === null) return false;
  const { id, ip, port, address } = value as Partial<Record<keyof Attachment, unknown>>;
  return typeof id === 'number' && typeof ip === 'string' && typeof port === 'number' && typeof address === 'object';
}
