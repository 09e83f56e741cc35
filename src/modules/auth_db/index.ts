/** KSR.auth_db: digest authentication against a database of subscribers. */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { ERROR, sideOf } from '../auth/api.ts';
import { authenticate, isSubscriber } from './auth-db.ts';
import { type AuthDbState, createState } from './state.ts';

const kemi = exportsOf<AuthDbState>();

export default defineModule<AuthDbState>({
  name: 'auth_db',
  shares: true,
  modparams: {
    db_url: { type: 'str', doc: 'The database, sqlite:///file; the one of --db when not set.' },
    user_column: { type: 'str', default: 'username', doc: 'Column of the user name.' },
    domain_column: { type: 'str', default: 'domain', doc: 'Column of the domain.' },
    password_column: {
      type: 'str',
      default: 'ha1',
      doc: 'Column of H(A1), or of the password with calculate_ha1.',
    },
    password_column_2: { type: 'str', default: 'ha1b', doc: 'Column of H(A1) of user names with a domain.' },
    password_column_sha256: {
      type: 'str',
      default: 'ha1_sha256',
      doc: 'Column of H(A1) with SHA-256. Where it is empty or not there, password_column serves. Not in Kamailio.',
    },
    password_column_2_sha256: {
      type: 'str',
      default: 'ha1b_sha256',
      doc: 'The same of user names with a domain. Not in Kamailio.',
    },
    calculate_ha1: { type: 'int', default: 0, doc: '1: password_column has passwords, not H(A1).' },
    use_domain: {
      type: 'int',
      default: 0,
      doc: '1: users are looked up with their domain, and identities compared with it.',
    },
    load_credentials: { type: 'str', default: '', doc: 'Columns that go into AVPs: column;$avp(name)=column.' },
    version_table: { type: 'int', default: 1, doc: '0: the version of table subscriber does not matter.' },
    force_generate_avps: { type: 'int', default: 0, doc: '1: load_credentials also when the password is wrong.' },
  },
  create: createState,
  functions: [
    /**
     * KSR.auth_db.auth_check(realm, table, flags): verify the credentials against the database: Authorization of a REGISTER, Proxy-Authorization of another
     * request.
     * @param realm not empty; what the credentials must be for, any case; auth's realm_prefix is taken off
     * @param table not empty; "subscriber"
     * @param flags 1: the user must be the one of From; of REGISTER and PUBLISH of To, too; of PUBLISH of the request URI, too; with use_domain the domains
     *   must be the realm. 3: not so for INVITE, BYE, PRACK, UPDATE, MESSAGE. 0: any user
     * @returns 1 verified, or ACK, CANCEL and PRACK; -1 unreadable or unacceptable credentials, empty realm or table, or the database failed; -2 wrong password;
     *   -3 no such user; -4 the nonce is stale; -5 no credentials for this realm; -6 the nonce was used; -8 another user
     * Kamailio 6.x manual, module auth_db, auth_check; deviations: a user without password never passes
     */
    kemi('auth_check', {
      params: ['str', 'str', 'int'],
      returns: 'int',
      async: true,
      run: (call, realm, table, flags) => authenticate(call, sideOf(call.msg), realm, table, flags),
    }),
    /**
     * KSR.auth_db.www_authenticate(realm, table): verify the credentials in Authorization against the database.
     * @param realm as auth_check
     * @param table as auth_check
     * @returns as auth_check, without -8
     * Kamailio 6.x manual, module auth_db, www_authenticate; deviations: a user without password never passes
     */
    kemi('www_authenticate', {
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, realm, table) => authenticate(call, 'www', realm, table),
    }),
    /**
     * KSR.auth_db.www_authenticate_method(realm, table, method): as www_authenticate, for a request that was signed with another method.
     * @param realm as auth_check
     * @param table as auth_check
     * @param method not empty
     * @returns as www_authenticate
     * Kamailio 6.x manual, module auth_db, www_authenticate; deviations: a user without password never passes
     */
    kemi('www_authenticate_method', {
      native: { name: 'www_authenticate' },
      params: ['str', 'str', 'str'],
      returns: 'int',
      async: true,
      run: (call, realm, table, method) => (method ? authenticate(call, 'www', realm, table, 0, method) : ERROR),
    }),
    /**
     * KSR.auth_db.is_subscriber(uri, table, flags): tells whether a URI is a subscriber's, and loads load_credentials of the one that is.
     * @param uri a SIP URI
     * @param table not empty; "subscriber"
     * @param flags sum of: 1 the domain counts, too; 2 nothing is loaded
     * @returns 1 it is; -1 the URI does not parse, empty table, or the database failed; -2 it is not
     * Kamailio 6.x manual, module auth_db, is_subscriber; deviations: works without load_credentials
     */
    kemi('is_subscriber', {
      params: ['str', 'str', 'int'],
      returns: 'int',
      async: true,
      run: (call, uri, table, flags) => isSubscriber(call, uri, table, flags),
    }),
  ],
  commands: [
    /** www_authorize(realm, table): alias of www_authenticate. */
    kemi('www_authorize', {
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, realm, table) => authenticate(call, 'www', realm, table),
    }),
    /** proxy_authenticate(realm, table): as www_authenticate, with the credentials in Proxy-Authorization. */
    kemi('proxy_authenticate', {
      native: [{}, { name: 'proxy_authorize' }],
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, realm, table) => authenticate(call, 'proxy', realm, table),
    }),
  ],
});
