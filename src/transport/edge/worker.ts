/**
 * A worker for workerd. With a Durable Object it is a SIP server over WebSocket: one object is one runtime with its connections, because sockets that are to call each other
 * must meet in one place. Without one it routes single messages that come over HTTP, each in a runtime of its own.
 */
import { VERSION } from '../../version.ts';
import { addressOf, socketsOf } from './address.ts';
import { Door } from './door.ts';
import { HttpError, json, wantMethod } from './http.ts';
import { SipObject } from './object.ts';
import { type Setup, setupOf, type WorkerOptions } from './options.ts';
import { type Env, isNamespace, type ObjectState } from './platform.ts';
import { originOf, routeMessage } from './route-message.ts';
import { Service } from './service.ts';

/** runtimes at once without an object: each has 16 MB or more of the isolate's 128 */
const MAX_ALONE = 4;
const PROTOCOLS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;

export interface KemiWorker {
  fetch(request: Request, env: Env): Promise<Response>;
  /** The class of the Durable Object: export it under the name that the namespace's binding has. */
  readonly SipObject: new (
    state: ObjectState,
    env: Env,
  ) => SipObject;
}

/**
 * Makes a worker: export it as default, and its SipObject by name.
 * What is wrong with the script or the config shows in the log and as 500 when the first request comes.
 * @example
 * const worker = createWorker({ core, lua, script });
 * export default worker;
 * export const { SipObject } = worker;
 */
export function createWorker(options: WorkerOptions): KemiWorker {
  let setup: Setup | undefined;
  // Nothing of a request is in it: it is made of the options and of the worker's bindings.
  const prepared = (env: Env): Setup => {
    setup ??= setupOf(options, env);
    return setup;
  };
  let alone = 0;
  const door = new Door(options);
  return {
    async fetch(request, env) {
      return door.answer(async () => {
        const namespace = env[options.binding ?? 'SIP'];
        await door.admit(request, env);
        if (door.isUpgrade(request)) door.wantSip(request);
        if (isNamespace(namespace)) {
          const name = options.objectName?.(request) ?? 'sip';
          return namespace.get(namespace.idFromName(name)).fetch(request);
        }
        if (door.isUpgrade(request))
          throw new HttpError(501, 'SIP over WebSocket needs a Durable Object: bind one as SIP');
        const path = door.path(request, env);
        wantMethod(request, path === '/health' ? 'GET' : 'POST');
        if (path === '/health') return json(200, { status: 'ok', version: VERSION, object: false });
        if (path !== '/route') throw new HttpError(404, 'there is /route and /health, without a Durable Object');
        if (alone >= MAX_ALONE) throw new HttpError(503, 'too many messages at once', { 'Retry-After': '1' });
        alone++;
        try {
          return await routeAlone(options, prepared(env), request, door.peer(request));
        } finally {
          alone--;
        }
      });
    },
    SipObject: class extends SipObject {
      constructor(state: ObjectState, env: Env) {
        super(options, prepared, door, state, env);
      }
    },
  };
}

/** Routes one message in a runtime of its own, which has sockets of every protocol: where something is sent shows, and nothing leaves. */
async function routeAlone(options: WorkerOptions, setup: Setup, request: Request, peer: string): Promise<Response> {
  const address = addressOf(options.address, request);
  const sockets = PROTOCOLS.flatMap(proto => socketsOf(proto, address));
  const service = new Service({ options, setup, sockets, sendElsewhere: true, patient: true });
  try {
    const origin = originOf(new URL(request.url)) ?? { proto: 'ws', ip: peer, port: 50000 };
    const index = sockets.findIndex(s => s.proto === origin.proto && s.ip.includes(':') === origin.ip.includes(':'));
    return await routeMessage(service, request, origin, index, true);
  } finally {
    await service.close();
  }
}
