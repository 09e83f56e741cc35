/**
 * The workers of a server. The first one is the main thread: it has a runtime as the others have, and besides all that there is once: TCP, the control socket,
 * JSON-RPC over HTTP, the watcher, the log. The others are threads (thread.ts). One that ends unexpectedly is started again.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type Logger, writes } from '../../../core/log.ts';
import { RpcError } from '../../../errors.ts';
import type { Connections, SendHow } from '../../../kemi/host.ts';
import { createSharedMemory, SharedMemory } from '../../../kemi/shared/memory.ts';
import type { RuntimeOptions } from '../../../runtime/options.ts';
import type { Running, Runtime } from '../../../runtime/runtime.ts';
import { byteText } from '../assets.ts';
import { joinAnswers } from './answers.ts';
import { errorOf, outcomeOf, Questions } from './ask.ts';
import { type PeerLink, Peers } from './peers.ts';
import type { AskName, Asks, FromWorker, ToWorker, WorkerInit } from './protocol.ts';
import { obey } from './remote-connections.ts';
import { createRing, type Taker } from './ring.ts';

export const MAX_WORKERS = 64;
/** a worker that lived for so long is started again at once */
const STEADY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** how long a worker may take to end behind its drain, milliseconds */
const END_MS = 2000;

/** What is the same for each worker, each time that it is started. */
export type WorkerBase = Omit<
  WorkerInit,
  'worker' | 'workers' | 'memory' | 'secret' | 'source' | 'logLevel' | 'timeOrigin' | 'peers'
>;

export interface GroupParts {
  readonly base: WorkerBase;
  readonly runtime: Runtime;
  readonly connections: Connections;
  /** what the first worker sends over connections for the others */
  readonly sendStream: (socket: number, bytes: Uint8Array, ip: string, port: number, how: SendHow) => boolean;
  /** where messages go that others hand over to the first worker */
  readonly receive: Taker;
  /** the program that runs, and what reloads load */
  readonly source: Uint8Array;
}

interface Member {
  readonly number: number;
  readonly thread: Worker;
  readonly questions: Questions;
  readonly startedMs: number;
  /** the program that it was started with */
  readonly source: Uint8Array;
  ready: boolean;
}

export class WorkerGroup {
  readonly workers: number;
  readonly shared: SharedMemory;
  readonly #log: Logger;
  readonly #memory: SharedArrayBuffer;
  readonly #secret = crypto.getRandomValues(new Uint8Array(16));
  readonly #peers: Peers;
  readonly #members = new Map<number, Member>();
  readonly #restarts = new Map<number, { pauseMs: number; timer: NodeJS.Timeout | undefined }>();
  #parts: GroupParts | undefined;
  #source: Uint8Array | undefined;
  /** the last reload: one at a time */
  #reloading: Promise<unknown> = Promise.resolve();
  #closing = false;

  /** @param workers 2 or more, the first one included  @param sharedMiB of the memory that they share */
  constructor(workers: number, sharedMiB: number, log: Logger) {
    this.workers = workers;
    this.#log = log;
    this.#memory = createSharedMemory(sharedMiB << 20);
    this.shared = new SharedMemory({ buffer: this.#memory, worker: 0, workers, byteText });
    this.#peers = new Peers(log);
  }

  /** What the first worker's runtime needs to be one of them. @param reloadAll for app_lua.reload */
  runtimeOptions(
    reloadAll: () => Promise<Running>,
  ): Pick<RuntimeOptions, 'shared' | 'secret' | 'handOver' | 'tell' | 'callAll' | 'reloadAll'> {
    return {
      shared: this.shared,
      secret: this.#secret,
      handOver: (worker, bytes, from, socket) => this.#peers.handOver(worker, bytes, from, socket),
      tell: (worker, module, data) => this.#peers.tell(worker, module, data),
      callAll: (method, params) => this.call(method, params),
      reloadAll,
    };
  }

  /** Starts the others. @throws what one of them failed with */
  async start(parts: GroupParts): Promise<void> {
    this.#parts = parts;
    this.#source = parts.source;
    const { runtime } = parts;
    this.#peers.start(parts.receive, (module, data) => runtime.told(module, data));
    const ready: Promise<void>[] = [];
    for (let number = 1; number < this.workers; number++) ready.push(this.#begin(number));
    await Promise.all(ready);
  }

  /** Thread ids by worker: tests end one to see what becomes of it. */
  get threads(): readonly Worker[] {
    return [...this.#members.values()].map(m => m.thread);
  }

  /** workers that route now, the first one included */
  get ready(): number {
    let count = 1;
    for (const { ready } of this.#members.values()) if (ready) count++;
    return count;
  }

  // ---- RPC

  /** Runs an RPC command for all workers. */
  async call(method: string, params?: unknown): Promise<unknown> {
    const { runtime } = this.#parts!;
    const how = runtime.rpc.inWorkers(method);
    if (method.startsWith('stats.')) await this.#askAll('publish', null);
    if (how === 'one' || method === 'app_lua.reload') return runtime.rpc.run(method, params);
    if (how === 'find') return this.#find(method, params);
    const own = await runtime.rpc.run(method, params);
    return joinAnswers(how, [own, ...(await this.#askAll('rpc', { method, params }))]);
  }

  /** The first worker that does not say that it has nothing of the kind. */
  async #find(method: string, params: unknown): Promise<unknown> {
    let failure: unknown;
    const { runtime } = this.#parts!;
    const asks = [() => runtime.rpc.run(method, params)];
    for (const member of this.#members.values()) asks.push(() => this.#ask(member, 'rpc', { method, params }));
    for (const ask of asks) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        // what one with the thing says counts more than that others have none
        if (!failure || error.rpcCode >= 500) failure = error;
      }
    }
    throw failure;
  }

  // ---- reload

  /**
   * All workers take over a new program, or none does.
   * @throws ScriptError it is broken in one of them: the old one runs on in all
   */
  reload(source: Uint8Array): Promise<Running> {
    const done = this.#reloading.then(() => this.#reload(source));
    this.#reloading = done.catch(() => {});
    return done;
  }

  async #reload(source: Uint8Array): Promise<Running> {
    const { runtime, base } = this.#parts!;
    const own = runtime.prepare({ name: base.name, source });
    const members = [...this.#members.values()].filter(m => m.ready);
    try {
      await Promise.all(members.map(m => this.#ask(m, 'prepare', { source })));
    } catch (error) {
      own.drop();
      await Promise.allSettled(members.map(m => this.#ask(m, 'drop', null)));
      throw error;
    }
    // one that ends from here on is started with the new program
    this.#source = source;
    const running = own.commit();
    await Promise.allSettled(members.map(m => this.#ask(m, 'commit', null)));
    return running;
  }

  /** A worker that was being started while the others took over another program does the same now. */
  async #catchUp(member: Member): Promise<void> {
    await this.#reloading;
    const source = this.#source!;
    if (member.source === source || !this.#members.has(member.number)) return;
    try {
      await this.#ask(member, 'prepare', { source });
      await this.#ask(member, 'commit', null);
    } catch {
      // it runs in all others: this one is not to go on with another program
      void member.thread.terminate();
    }
  }

  // ---- the end

  /** Ends the others; what they share is as they left it. */
  async close(drainMs: number): Promise<void> {
    this.#closing = true;
    for (const { timer } of this.#restarts.values()) clearTimeout(timer);
    const members = [...this.#members.values()];
    await Promise.all(
      members.map(async member => {
        const ended = new Promise<void>(resolve => member.thread.once('exit', () => resolve()));
        const late = setTimeout(() => void member.thread.terminate(), drainMs + END_MS);
        if (member.ready) this.#ask(member, 'close', { drainMs }).catch(() => {});
        else void member.thread.terminate();
        await ended;
        clearTimeout(late);
      }),
    );
    this.#peers.close();
  }

  // ---- threads

  /** Starts a worker and links it with those that are there. */
  #begin(number: number): Promise<void> {
    const { base } = this.#parts!;
    const links: PeerLink[] = [];
    const others = [...this.#members.values()];
    links.push(this.#link(number, 0, link => this.#peers.join(link)));
    for (const other of others)
      links.push(this.#link(number, other.number, link => post(other.thread, { is: 'peer', link }, [link.port])));
    const init: WorkerInit = {
      ...base,
      worker: number,
      workers: this.workers,
      memory: this.#memory,
      secret: this.#secret,
      source: this.#source!,
      logLevel: LEVELS.find(level => writes(this.#log, level)) ?? 'silent',
      timeOrigin: performance.timeOrigin,
      peers: links,
    };
    const thread = new Worker(THREAD, {
      name: `kemi-wasm worker ${number}`,
      workerData: init,
      transferList: links.map(l => l.port),
    });
    const member: Member = {
      number,
      thread,
      questions: new Questions(),
      startedMs: performance.now(),
      source: this.#source!,
      ready: false,
    };
    this.#members.set(number, member);
    return new Promise((resolve, reject) => {
      let failure: Error | undefined;
      thread.on('message', (message: FromWorker) => {
        if (message.is === 'ready') {
          member.ready = true;
          resolve();
          void this.#catchUp(member);
        } else if (message.is === 'failed') failure = errorOf(message.error);
        else this.#told(member, message);
      });
      thread.on('error', error => {
        failure = error;
      });
      thread.on('exit', () => {
        reject(failure ?? new Error(`worker ${number} ended`));
        this.#ended(member, failure);
      });
    });
  }

  /** @param join takes the other's end @returns the end of `number` */
  #link(number: number, other: number, join: (link: PeerLink) => void): PeerLink {
    const { port1, port2 } = new MessageChannel();
    const [out, into] = [createRing(), createRing()];
    join({ worker: number, port: port2, out: into, in: out });
    return { worker: other, port: port1, out, in: into };
  }

  #ended(member: Member, error: Error | undefined): void {
    const { number } = member;
    this.#members.delete(number);
    this.#peers.leave(number);
    for (const other of this.#members.values()) post(other.thread, { is: 'left', worker: number });
    this.shared.left(number);
    member.questions.fail(new RpcError(500, `Worker ${number} ended`));
    // one that never was ready is told by start()
    if (this.#closing || (!member.ready && !this.#restarts.has(number))) return;
    const restart = this.#restarts.get(number) ?? { pauseMs: 0, timer: undefined };
    const steady = performance.now() - member.startedMs >= STEADY_MS;
    restart.pauseMs = steady ? 0 : Math.min(Math.max(2 * restart.pauseMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
    this.#restarts.set(number, restart);
    this.#log.error(
      { worker: number, err: error, pauseMs: restart.pauseMs },
      `Worker ${number} ended: it is started again. Its transactions and waiting routes are lost; registrations and htables are not`,
    );
    restart.timer = setTimeout(() => {
      this.#begin(number).then(
        () => this.#log.info({ worker: number }, `Worker ${number} runs again`),
        () => {}, // told by #ended(), which tries again
      );
    }, restart.pauseMs);
  }

  #told(member: Member, message: FromWorker): void {
    const { thread } = member;
    switch (message.is) {
      case 'answer':
        member.questions.answered(message.id, message.outcome);
        break;
      case 'call':
        void outcomeOf(() => this.call(message.method, message.params)).then(outcome =>
          post(thread, { is: 'answer', id: message.id, outcome }),
        );
        break;
      case 'log':
        this.#log[message.level]({ worker: member.number, ...message.fields }, message.message);
        break;
      case 'connection':
        obey(this.#parts!.connections, message.order);
        break;
      case 'send': {
        const { socket, bytes, ip, port, connection, noConnect, close, lost } = message;
        const tell = () => {
          if (lost !== 0) post(thread, { is: 'lost', id: lost });
        };
        if (!this.#parts!.sendStream(socket, bytes, ip, port, { connection, noConnect, close, lost: tell })) tell();
        break;
      }
    }
  }

  #ask<N extends AskName>(member: Member, name: N, params: Asks[N]['params']): Promise<unknown> {
    return member.questions.ask(id => post(member.thread, { is: 'ask', id, name, params }));
  }

  /** Answers of all that run, in their order; one that ends meanwhile has none. */
  async #askAll<N extends AskName>(name: N, params: Asks[N]['params']): Promise<unknown[]> {
    const members = [...this.#members.values()].filter(m => m.ready).sort((a, b) => a.number - b.number);
    return Promise.all(members.map(m => this.#ask(m, name, params)));
  }
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

function post(thread: Worker, message: ToWorker, transfer: MessagePort[] = []): void {
  thread.postMessage(message, transfer);
}
