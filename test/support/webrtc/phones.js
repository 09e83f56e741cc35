/**
 * Runs in the page: phones of two libraries behind one set of functions, so that a scenario does not care which one it talks to. Bundled by page.ts.
 * Each function takes and gives JSON; what a phone sees is a list of words.
 */
import JsSIP from 'jssip';
import { Inviter, Registerer, RegistererState, SessionState, UserAgent } from 'sip.js';

const audio = { audio: true, video: false };
/** by name */
const phones = {};

/** What is common: the words, who waits for one, and the session. */
function phone(name) {
  const made = { words: [], waiting: [], session: undefined };
  made.say = word => {
    made.words.push(word);
    for (const wake of made.waiting.splice(0)) wake();
  };
  phones[name] = made;
  return made;
}

const KINDS = {
  jssip(name, { url, uri, password }) {
    const me = phone(name);
    JsSIP.debug.disable();
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri,
      password,
      session_timers: false,
      register_expires: 300,
    });
    ua.on('connected', () => me.say('connected'));
    ua.on('disconnected', () => me.say('disconnected'));
    ua.on('registered', () => me.say('registered'));
    ua.on('unregistered', () => me.say('unregistered'));
    ua.on('registrationFailed', e => me.say(`registration failed: ${e.cause}`));
    ua.on('newMessage', e => {
      if (e.originator === 'remote') me.say(`message: ${e.request.body}`);
    });
    ua.on('newRTCSession', ({ session, originator }) => {
      me.session = session;
      session.on('progress', () => me.say('progress'));
      session.on('confirmed', () => me.say('confirmed'));
      session.on('ended', () => me.say('ended'));
      session.on('failed', e => me.say(`failed: ${e.cause}`));
      if (originator !== 'remote') return;
      me.say('incoming');
      session.answer({ mediaConstraints: audio, pcConfig: { iceServers: [] } });
    });
    Object.assign(me, {
      start: () => ua.start(),
      unregister: () => ua.unregister(),
      stop: () => ua.stop(),
      call: target => void ua.call(target, { mediaConstraints: audio, pcConfig: { iceServers: [] } }),
      hangup: () => me.session.terminate(),
      message: (target, text) => void ua.sendMessage(target, text),
    });
  },

  sipjs(name, { url, uri, password }) {
    const me = phone(name);
    const user = /^sip:([^@]+)@/.exec(uri)[1];
    const follow = session => {
      me.session = session;
      session.stateChange.addListener(state => {
        if (state === SessionState.Established) me.say('confirmed');
        if (state === SessionState.Terminated) me.say('ended');
      });
    };
    const ua = new UserAgent({
      uri: UserAgent.makeURI(uri),
      authorizationUsername: user,
      authorizationPassword: password,
      transportOptions: { server: url },
      logBuiltinEnabled: false,
      sessionDescriptionHandlerFactoryOptions: {
        iceGatheringTimeout: 500,
        peerConnectionConfiguration: { iceServers: [] },
      },
      delegate: {
        onConnect: () => me.say('connected'),
        onDisconnect: () => me.say('disconnected'),
        onInvite: invitation => {
          me.say('incoming');
          follow(invitation);
          void invitation.accept({ sessionDescriptionHandlerOptions: { constraints: audio } });
        },
        onMessage: message => {
          me.say(`message: ${message.request.body}`);
          void message.accept();
        },
      },
    });
    let registerer;
    Object.assign(me, {
      async start() {
        await ua.start();
        registerer = new Registerer(ua, { expires: 300 });
        registerer.stateChange.addListener(state => {
          if (state === RegistererState.Registered) me.say('registered');
          if (state === RegistererState.Unregistered) me.say('unregistered');
        });
        await registerer.register({
          requestDelegate: { onReject: r => me.say(`registration failed: ${r.message.statusCode}`) },
        });
      },
      unregister: () => registerer.unregister(),
      stop: () => ua.stop(),
      async call(target) {
        const inviter = new Inviter(ua, UserAgent.makeURI(target), {
          sessionDescriptionHandlerOptions: { constraints: audio },
        });
        follow(inviter);
        await inviter.invite({
          requestDelegate: {
            onProgress: () => me.say('progress'),
            onReject: r => me.say(`failed: ${r.message.statusCode}`),
          },
        });
      },
      hangup: () => (me.session.state === SessionState.Established ? me.session.bye() : me.session.cancel()),
      message: () => {
        throw new Error('not used');
      },
    });
  },
};

window.phones = {
  make: (kind, name, options) => KINDS[kind](name, options),
  /** calls one of a phone's functions */
  async run(name, what, ...args) {
    await phones[name][what](...args);
  },
  words: name => phones[name].words,
  /** @returns the words once one of them begins with `word`; rejects when it does not come in time, or something failed */
  async until(name, word, ms) {
    const me = phones[name];
    const end = performance.now() + ms;
    while (!me.words.some(w => w.startsWith(word))) {
      const left = end - performance.now();
      if (left <= 0 || me.words.some(w => w.includes('failed')))
        throw new Error(`${name} never said "${word}", only: ${me.words.join(', ') || 'nothing'}`);
      await new Promise(resolve => {
        me.waiting.push(resolve);
        setTimeout(resolve, left);
      });
    }
    return me.words;
  },
};
