/** KSR.auth: digest authentication without a database (RFC 3261 22, RFC 7616, RFC 8760). */
import { type ByteStr, byteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { type Call, defineModule, exportsOf, type ModParamValues } from '../../kemi/table.ts';
import { verifiedOf } from '../../kemi/verified.ts';
import { avpKey, type PvState, varsOf } from '../pv/api.ts';
import {
  type AuthState,
  checkResponse,
  credentialsFor,
  ERROR,
  HEX_LENGTH,
  ha1Of,
  INVALID_PASSWORD,
  isOwnIdentity,
  OK,
  preAuth,
  readAlgorithms,
  type Side,
  STALE_NONCE,
  setAlgorithms,
  sideOf,
  USER_MISMATCH,
} from './api.ts';
import { challenge, challengeHeaders, challengeOptions } from './challenge.ts';
import { Nonces } from './nonce.ts';

type C = Call<AuthState>;

const kemi = exportsOf<AuthState>();

/** flags of pv_auth_check() and its kind */
const PASSWORD_IS_HA1 = 1;
const AVP_NO_QOP = 2;
const AVP_AUTH = 4;
const AVP_AUTH_INT = 8;
const AVP_STALE = 16;

/** Where the challenge goes that these flags ask for. */
const CHALLENGE_AVP = 'digest_challenge';

/** Verifies credentials against a password that the script has. */
function authenticate(
  call: C,
  side: Side,
  realm: ByteStr,
  password: ByteStr,
  flags: number,
  more: { method?: ByteStr; ownIdentity?: boolean } = {},
): number {
  const code = verify(call, side, realm, password, flags, more.method);
  if (typeof code !== 'number')
    return more.ownIdentity && !isOwnIdentity(code, call.state.useDomain) ? USER_MISMATCH : OK;
  if (code < 0 && flags & (AVP_NO_QOP | AVP_AUTH | AVP_AUTH_INT)) {
    const qop = flags & AVP_AUTH_INT ? 'auth-int' : flags & AVP_AUTH ? 'auth' : '';
    const stale = code === STALE_NONCE || (flags & AVP_STALE) !== 0;
    const header = challengeHeaders(call, side, realm, { qop, stale });
    const pv = call.host.module<PvState>('pv');
    const key = pv && avpKey(pv, CHALLENGE_AVP);
    if (header !== undefined && key !== undefined) {
      const { avps } = varsOf(call.host);
      avps.set(key, [header, ...(avps.get(key) ?? [])]);
    }
  }
  return code;
}

/** @returns a code, or the credentials that were verified */
function verify(call: C, side: Side, realm: ByteStr, password: ByteStr, flags: number, method?: ByteStr) {
  const { state, host } = call;
  const pending = preAuth(call, state, realm, side);
  if (typeof pending === 'number') return pending;
  // Whoever looks up a password and finds none gives '' or nil: that must not be a password that anybody can use.
  if (!password) return INVALID_PASSWORD;
  const { algorithm, credentials } = pending;
  const isHa1 = (flags & PASSWORD_IS_HA1) !== 0;
  if (isHa1 && password.length !== HEX_LENGTH[algorithm]) return INVALID_PASSWORD;
  const ha1 = isHa1 ? password : ha1Of(host, algorithm, credentials.username, pending.realm, password);
  const code = checkResponse(state, pending, ha1, method);
  return code === OK ? pending : code;
}

/** A size given as such or as a power of 2, rounded down to a power of 2. */
function sizeOf(size: number | undefined, order: number): number {
  return size === undefined ? 2 ** order : 2 ** Math.floor(Math.log2(size));
}

function create(host: ModuleHost, params: ModParamValues): AuthState {
  const number = (name: string) => params[name] as number;
  const text = (name: string) => (params[name] as ByteStr | undefined) ?? '';
  const algorithms = readAlgorithms(text('algorithm'));
  if (!algorithms)
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot set modparam auth.algorithm to "${text('algorithm')}": it takes MD5 and SHA-256, separated by a comma`,
    );
  const qop = text('qop');
  if (!['', 'auth', 'auth-int'].includes(qop))
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot set modparam auth.qop to "${qop}": it takes auth, auth-int or ""`);
  return {
    nonces: new Nonces(host, () => host.now(), {
      // without one, workers need the same all the same
      secret: text('secret') || (host.shared ? byteStr(host.secret('auth.nonces')) : ''),
      shared: host.shared,
      expire: number('nonce_expire'),
      maxDrift: number('nonce_auth_max_drift'),
      nonceCount: number('nonce_count') !== 0,
      oneTime: number('one_time_nonce') !== 0,
      countSize: sizeOf(params.nc_array_size as number | undefined, number('nc_array_order')),
      oneTimeSize: sizeOf(params.otn_in_flight_no as number | undefined, number('otn_in_flight_order')),
      checks: {
        register: number('auth_checks_register'),
        noDialog: number('auth_checks_no_dlg'),
        inDialog: number('auth_checks_in_dlg'),
      },
    }),
    algorithms,
    qop,
    realmPrefix: text('realm_prefix'),
    useDomain: number('use_domain') !== 0,
    authInfo: number('add_authinfo_hdr') !== 0,
    stateless: number('force_stateless_reply') !== 0,
  };
}

const CHECKS =
  'sum of: 1 request URI, 2 Call-ID, 4 From tag, 8 source address; a nonce is stale when one of them is not what it was made for';
const MAX_SIZE = 1 << 28;

export default defineModule<AuthState>({
  name: 'auth',
  shares: true,
  modparams: {
    auth_checks_register: { type: 'int', default: 0, min: 0, max: 15, doc: `Of REGISTER: ${CHECKS}.` },
    auth_checks_no_dlg: { type: 'int', default: 0, min: 0, max: 15, doc: 'The same of requests without To tag.' },
    auth_checks_in_dlg: { type: 'int', default: 0, min: 0, max: 15, doc: 'The same of requests with To tag.' },
    qop: { type: 'str', default: '', doc: 'qop of challenges whose flags ask for none: auth, auth-int or "".' },
    nonce_count: { type: 'int', default: 0, doc: '1: the nc of credentials with qop must grow, up to 255.' },
    one_time_nonce: { type: 'int', default: 0, doc: '1: a nonce is good for one request.' },
    nid_pool_no: { type: 'int', default: 1, min: 1, max: 64, doc: 'Not used: one thread does all.' },
    nc_array_size: {
      type: 'int',
      min: 1,
      max: MAX_SIZE,
      doc: 'Nonces that nonce_count keeps track of, a byte each; rounded down to 2^k.',
    },
    nc_array_order: { type: 'int', default: 20, min: 0, max: 28, doc: 'The same as a power of 2.' },
    otn_in_flight_no: {
      type: 'int',
      min: 1,
      max: MAX_SIZE,
      doc: 'Nonces that one_time_nonce keeps track of, a bit each; rounded down to 2^k.',
    },
    otn_in_flight_order: { type: 'int', default: 20, min: 0, max: 28, doc: 'The same as a power of 2.' },
    secret: { type: 'str', doc: 'Key of the nonces, the same on servers that share them; random when not set.' },
    nonce_expire: { type: 'int', default: 300, min: 1, max: 86400 * 365, doc: 'Life of a nonce, seconds.' },
    nonce_auth_max_drift: {
      type: 'int',
      default: 3,
      min: 0,
      doc: 'How far from the future a nonce may come, seconds.',
    },
    force_stateless_reply: { type: 'int', default: 0, doc: '1: challenges are sent without the transaction.' },
    realm_prefix: { type: 'str', default: '', doc: 'Taken off the start of realms, as "sip.".' },
    use_domain: {
      type: 'int',
      default: 0,
      doc: '1: pv_auth_check() compares the domains of the URIs with the realm, too.',
    },
    algorithm: {
      type: 'str',
      default: '',
      doc: 'MD5, SHA-256, or both with a comma, the preferred one first: each gets a challenge of its own. "": MD5, not named in challenges.',
    },
    add_authinfo_hdr: { type: 'int', default: 0, doc: '1: replies to verified requests get Authentication-Info.' },
  },
  create,
  functions: [
    /**
     * KSR.auth.auth_challenge(realm, flags): ask for credentials: 401 with WWW-Authenticate to a REGISTER, 407 with Proxy-Authenticate to another request.
     * @param realm what the user knows the password for, usually the domain; realm_prefix is taken off
     * @param flags sum of: 1 qop=auth, 2 qop=auth-int, 4 no 500 when it fails, 16 stale=true
     * @returns 1 sent; -1 the challenge cannot be made, 500 was sent; -3 nothing was sent: an ACK, a CANCEL, a reply, or it could not be sent
     * Kamailio 6.x manual, module auth, auth_challenge; deviations: a CANCEL is never challenged
     */
    kemi('auth_challenge', {
      native: { routes: ['request', 'failure', 'onreply', 'event', 'reply'] },
      params: ['str', 'int'],
      returns: 'int',
      run: (call, realm, flags) => challenge(call, sideOf(call.msg), realm, flags),
    }),
    /**
     * KSR.auth.www_challenge(realm, flags): ask for credentials with 401 and WWW-Authenticate.
     * @param realm as auth_challenge
     * @param flags as auth_challenge
     * @returns as auth_challenge
     * Kamailio 6.x manual, module auth, www_challenge; deviations: as auth_challenge
     */
    kemi('www_challenge', {
      params: ['str', 'int'],
      returns: 'int',
      run: (call, realm, flags) => challenge(call, 'www', realm, flags),
    }),
    /**
     * KSR.auth.proxy_challenge(realm, flags): ask for credentials with 407 and Proxy-Authenticate.
     * @param realm as auth_challenge
     * @param flags as auth_challenge
     * @returns as auth_challenge
     * Kamailio 6.x manual, module auth, proxy_challenge; deviations: as auth_challenge
     */
    kemi('proxy_challenge', {
      params: ['str', 'int'],
      returns: 'int',
      run: (call, realm, flags) => challenge(call, 'proxy', realm, flags),
    }),
    /**
     * KSR.auth.auth_get_www_authenticate(realm, flags, pvdest): put the WWW-Authenticate header of a challenge into a variable, with its line end, as append_to_reply takes it.
     * @param realm not empty
     * @param flags as auth_challenge
     * @param pvdest a variable that can be written, "$var(x)"
     * @returns 1 done; -1 empty realm, or no such variable, or it cannot be written
     * Kamailio 6.x manual, module auth, auth_get_www_authenticate; deviations: none
     */
    kemi('auth_get_www_authenticate', {
      params: ['str', 'int', 'str'],
      returns: 'int',
      run: (call, realm, flags, pvdest) => {
        const pv = realm ? call.host.pv(pvdest) : undefined;
        if (!pv?.writable) return ERROR;
        const headers = challengeHeaders(call, 'www', realm, challengeOptions(call.state, flags));
        return headers !== undefined && pv.set(headers) ? OK : ERROR;
      },
    }),
    /**
     * KSR.auth.pv_auth_check(realm, passwd, flags, checks): verify the credentials against a password: Authorization of a REGISTER, Proxy-Authorization of
     * another request.
     * @param realm what the credentials must be for, any case; realm_prefix is taken off
     * @param passwd the password, or H(A1); an empty one is never right
     * @param flags sum of: 1 passwd is H(A1) in hexadecimal; when it fails, a challenge is left in $avp(digest_challenge): 2 without qop, 4 qop=auth,
     *   8 qop=auth-int, 16 with stale=true
     * @param checks 1: the user must be the one of From; of REGISTER and PUBLISH of To, too; of PUBLISH of the request URI, too
     * @returns 1 verified, or ACK, CANCEL and PRACK; -1 unreadable or unacceptable credentials; -2 wrong password; -4 the nonce is stale; -5 no credentials
     *   for this realm; -6 the nonce was used; -8 another user
     * Kamailio 6.x manual, module auth, pv_auth_check; deviations: an empty password never passes
     */
    kemi('pv_auth_check', {
      params: ['str', 'str', 'int', 'int'],
      returns: 'int',
      run: (call, realm, password, flags, checks) =>
        authenticate(call, sideOf(call.msg), realm, password, flags, { ownIdentity: (checks & 1) !== 0 }),
    }),
    /**
     * KSR.auth.pv_www_authenticate(realm, passwd, flags): verify the credentials in Authorization against a password.
     * @param realm not empty, as pv_auth_check
     * @param passwd as pv_auth_check
     * @param flags as pv_auth_check
     * @returns as pv_auth_check, without -8
     * Kamailio 6.x manual, module auth, pv_www_authenticate; deviations: an empty password never passes
     */
    kemi('pv_www_authenticate', {
      native: { routes: ['request', 'event'] },
      params: ['str', 'str', 'int'],
      returns: 'int',
      run: (call, realm, password, flags) => (realm ? authenticate(call, 'www', realm, password, flags) : ERROR),
    }),
    /**
     * KSR.auth.pv_www_authenticate_method(realm, passwd, flags, method): as pv_www_authenticate, for a request that was signed with another method.
     * @param realm not empty, as pv_auth_check
     * @param passwd as pv_auth_check
     * @param flags as pv_auth_check
     * @param method not empty
     * @returns as pv_www_authenticate
     * Kamailio 6.x manual, module auth, pv_www_authenticate; deviations: an empty password never passes
     */
    kemi('pv_www_authenticate_method', {
      native: { name: 'pv_www_authenticate', routes: ['request', 'event'] },
      params: ['str', 'str', 'int', 'str'],
      returns: 'int',
      run: (call, realm, password, flags, method) =>
        realm && method ? authenticate(call, 'www', realm, password, flags, { method }) : ERROR,
    }),
    /**
     * KSR.auth.pv_proxy_authenticate(realm, passwd, flags): verify the credentials in Proxy-Authorization against a password.
     * @param realm not empty, as pv_auth_check
     * @param passwd as pv_auth_check
     * @param flags as pv_auth_check
     * @returns as pv_www_authenticate
     * Kamailio 6.x manual, module auth, pv_proxy_authenticate; deviations: an empty password never passes
     */
    kemi('pv_proxy_authenticate', {
      params: ['str', 'str', 'int'],
      returns: 'int',
      run: (call, realm, password, flags) => (realm ? authenticate(call, 'proxy', realm, password, flags) : ERROR),
    }),
    /**
     * KSR.auth.has_credentials(realm): tells whether there are credentials for a realm in Authorization or Proxy-Authorization. They are not verified.
     * @param realm any case
     * @returns 1 there are; -1 not, or they do not parse
     * Kamailio 6.x manual, module auth, has_credentials; deviations: none
     */
    kemi('has_credentials', {
      native: { routes: ['request', 'event'] },
      params: ['str'],
      returns: 'int',
      run: ({ msg }, realm) => {
        const found = (side: Side) => typeof credentialsFor(msg, side, realm) === 'object';
        return found('www') || found('proxy') ? OK : ERROR;
      },
    }),
    /**
     * KSR.auth.consume_credentials(): take the header with the verified credentials out of the message, so that nobody behind us sees it.
     * @returns 1 it is out; -1 none were verified
     * Kamailio 6.x manual, module auth, consume_credentials; deviations: none
     */
    kemi('consume_credentials', {
      native: { routes: ['request', 'event'] },
      params: [],
      returns: 'int',
      run: ({ msg, host }) => {
        const verified = verifiedOf(host.perMessage);
        if (!verified) return ERROR;
        msg.removeHeader(verified.header);
        return OK;
      },
    }),
    /**
     * KSR.auth.auth_algorithm(algorithm): choose the algorithm for the message at hand, in place of modparam algorithm.
     * @param algorithm MD5, SHA-256, both with a comma, or "" for MD5 that challenges do not name
     * @returns 1 done; -1 no such algorithm
     * Kamailio 6.x manual, module auth, auth_algorithm; deviations: it ends with the message, not with the process
     */
    kemi('auth_algorithm', {
      params: ['str'],
      returns: 'int',
      run: ({ host }, text) => {
        const algorithms = readAlgorithms(text);
        if (!algorithms) return ERROR;
        setAlgorithms(host.perMessage, algorithms);
        return OK;
      },
    }),
  ],
});
