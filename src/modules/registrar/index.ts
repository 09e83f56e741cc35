/** KSR.registrar: REGISTER requests, and where their contacts are (RFC 3261 10.3). Contacts are kept by module usrloc. */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { qOf } from './contacts.ts';
import { lookup, lookupBranches } from './lookup.ts';
import { REGISTRAR_PARAMS, settingsOf } from './params.ts';
import { registered, unregister } from './registered.ts';
import { sendKept } from './reply.ts';
import { save } from './save.ts';
import { RegistrarState } from './state.ts';
import { fetchContacts, freeContacts, ulcPv } from './ulc.ts';

const kemi = exportsOf<RegistrarState>();

export default defineModule<RegistrarState>({
  name: 'registrar',
  shares: true,
  modparams: REGISTRAR_PARAMS,
  create: (host, params) => new RegistrarState(host, settingsOf(params)),
  functions: [
    // ---- REGISTER
    /**
     * KSR.registrar.save(table, flags): does what a REGISTER asks for, and answers it.
     * The address of record is that of the To URI. All Contacts take effect or none. The reply lists the contacts that there are now; when something is
     * wrong, it says so in P-Registrar-Error.
     * @param table table of module usrloc, such as "location"
     * @param flags bits: 1 leave the database alone, 2 send no reply, 4 keep only the contacts of this request, 8 do not shorten expires by a random
     *   part, 16 with 2: the headers go into whatever reply the script sends
     * @returns 1 inserted; 2 updated; 3 removed; 4 there was no Contact: the reply lists what there is; -1 an error; -2 too many contacts. With several
     *   Contacts it is what became of the first one of the last header
     * Kamailio 6.x manual, module registrar, save; deviations: docs/differences.md
     */
    kemi('save', {
      native: { params: ['str', 'int?'], routes: ['request', 'failure', 'onreply', 'event', 'reply'] },
      params: ['str', 'int'],
      returns: 'int',
      async: true,
      run: (call, table, flags) => save(call, table, flags),
    }),
    /**
     * KSR.registrar.save_uri(table, flags, uri): as save(), for another address of record.
     * @param table table of module usrloc
     * @param flags as save()
     * @param uri SIP URI in place of the To URI
     * @returns as save()
     * Kamailio 6.x manual, module registrar, save; deviations: docs/differences.md
     */
    kemi('save_uri', {
      native: { name: 'save', routes: ['request', 'failure', 'onreply', 'event', 'reply'] },
      params: ['str', 'int', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, flags, uri) => save(call, table, flags, uri),
    }),
    /**
     * KSR.registrar.reg_send_reply(): sends the reply that save() with flag 2 left out.
     * @returns 1 sent; -1 not sent, or there was no such save() for this message
     * Kamailio 6.x manual, module registrar, reg_send_reply; deviations: -1 without a save()
     */
    kemi('reg_send_reply', { params: [], returns: 'int', run: ({ state, msg }) => sendKept(state, msg) }),
    /**
     * KSR.registrar.set_q_override(q): all contacts that save() stores for this message get this q.
     * @param q "0" to "1", at most three digits behind the point
     * @returns 1 set; -1 no such q
     * Kamailio 6.x, module registrar; deviations: none
     */
    kemi('set_q_override', {
      params: ['str'],
      returns: 'int',
      run: ({ state, host, msg }, text) => {
        const q = qOf(text);
        if (q === undefined) {
          host.log.error({ q: text }, `Cannot set q to "${text}"`);
          return -1;
        }
        state.setQOverride(msg, q);
        return 1;
      },
    }),
    /**
     * KSR.registrar.add_sock_hdr(name): adds a header with the receiving socket, proto:address:port, for a registrar behind this one.
     * @param name of the header, not empty
     * @returns 1 added; -1 no name, or the memory of the message is full
     * Kamailio 6.x manual, module registrar, add_sock_hdr; deviations: none
     */
    kemi('add_sock_hdr', {
      native: { routes: ['request', 'event'] },
      params: ['str'],
      returns: 'int',
      run: ({ state, msg, host }, name) => {
        if (/^[!#-'*+\-.0-9A-Z^-z|~]+$/.test(name) && msg.appendHeader(`${name}: ${state.sockets[msg.socket]}\r\n`))
          return 1;
        host.log.error({ name }, `Cannot add a header "${name}"`);
        return -1;
      },
    }),
    // ---- looking up
    /**
     * KSR.registrar.lookup(table): sends the request to the contacts of the address of record in the request URI.
     * The request URI becomes the best contact; destination, socket and branch flags become what is stored with it. The others become branches (modparam
     * append_branches).
     * @param table table of module usrloc
     * @returns 1 found; -1 nobody there, or no such table; -2 none of the contacts allows this method; -3 the URI has no address of record, or the
     *   database failed
     * Kamailio 6.x manual, module registrar, lookup; deviations: none
     */
    kemi('lookup', {
      native: { routes: ['request', 'failure', 'event'] },
      params: ['str'],
      returns: 'int',
      async: true,
      run: (call, table) => lookup(call, table, undefined, 'request'),
    }),
    /**
     * KSR.registrar.lookup_uri(table, uri): as lookup(), for the address of record in another URI.
     * @param table table of module usrloc
     * @param uri SIP URI in place of the request URI
     * @returns as lookup()
     * Kamailio 6.x manual, module registrar, lookup; deviations: none
     */
    kemi('lookup_uri', {
      native: { name: 'lookup', routes: ['request', 'failure', 'event'] },
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, uri) => lookup(call, table, uri, 'request'),
    }),
    /**
     * KSR.registrar.lookup_to_dset(table, uri): as lookup_uri(), but all contacts become branches and the request stays as it is.
     * @param table table of module usrloc
     * @param uri SIP URI whose address of record is looked up
     * @returns as lookup()
     * Kamailio 6.x manual, module registrar, lookup_to_dset; deviations: none
     */
    kemi('lookup_to_dset', {
      native: { params: ['str', 'str?'] },
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, uri) => lookup(call, table, uri, 'branches'),
    }),
    /**
     * KSR.registrar.lookup_branches(table): lookup() for the request URI, and for each branch that has nothing but its URI.
     * @param table table of module usrloc
     * @returns the best of what lookup() returned
     * Kamailio 6.x manual, module registrar, lookup_branches; deviations: docs/differences.md
     */
    kemi('lookup_branches', {
      params: ['str'],
      returns: 'int',
      async: true,
      run: (call, table) => lookupBranches(call, table),
    }),
    /**
     * KSR.registrar.registered(table): whether the address of record of the request URI (of a reply: of the To URI) has a contact.
     * @param table table of module usrloc
     * @returns 1 it has; -1 it has not, no such table, or the database failed
     * Kamailio 6.x manual, module registrar, registered; deviations: none
     */
    kemi('registered', {
      params: ['str'],
      returns: 'int',
      async: true,
      run: (call, table) => registered(call, table, '', 0, 0),
    }),
    /**
     * KSR.registrar.registered_uri(table, uri): as registered(), for another URI.
     * @param table table of module usrloc
     * @param uri SIP URI; "" as registered()
     * @returns as registered()
     * Kamailio 6.x manual, module registrar, registered; deviations: none
     */
    kemi('registered_uri', {
      native: { name: 'registered' },
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, uri) => registered(call, table, uri, 0, 0),
    }),
    /**
     * KSR.registrar.registered_flags(table, uri, flags): as registered_uri(), for contacts that match what the xavp of modparam xavp_cfg says.
     * @param table table of module usrloc
     * @param uri SIP URI
     * @param flags bits of what must match: 1 match_callid, 2 match_received, 4 match_contact
     * @returns as registered()
     * Kamailio 6.x manual, module registrar, registered; deviations: none
     */
    kemi('registered_flags', {
      native: { name: 'registered' },
      params: ['str', 'str', 'int'],
      returns: 'int',
      async: true,
      run: (call, table, uri, flags) => registered(call, table, uri, flags, 0),
    }),
    /**
     * KSR.registrar.registered_action(table, uri, flags, action): as registered_flags(), and says what is done with the contact that is found.
     * @param table table of module usrloc
     * @param uri SIP URI
     * @param flags as registered_flags()
     * @param action bits: 1 set the xavp of modparam xavp_contact, 2 leave the xavp of modparam xavp_rcd alone
     * @returns as registered()
     * Kamailio 6.x manual, module registrar, registered; deviations: none
     */
    kemi('registered_action', {
      native: { name: 'registered' },
      params: ['str', 'str', 'int', 'int'],
      returns: 'int',
      async: true,
      run: (call, table, uri, flags, action) => registered(call, table, uri, flags, action),
    }),
    // ---- removing
    /**
     * KSR.registrar.unregister(table, uri): removes all contacts of an address of record.
     * @param table table of module usrloc
     * @param uri SIP URI
     * @returns 1 removed, also when there was none; -1 the URI has no address of record, or no such table; -2 the database failed
     * Kamailio 6.x manual, module registrar, unregister; deviations: none from 5.6.3, whose manual says 0 and -3
     */
    kemi('unregister', {
      params: ['str', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, uri) => unregister(call, table, uri, undefined),
    }),
    /**
     * KSR.registrar.unregister_ruid(table, uri, ruid): removes one contact.
     * @param table table of module usrloc
     * @param uri SIP URI; with db_mode 3 it may be empty
     * @param ruid of the contact: $ulc(profile=>ruid)
     * @returns 1 removed; -1 the URI has no address of record, or no such table; -2 the database failed; -3 there is no such contact
     * Kamailio 6.x manual, module registrar, unregister; deviations: none
     */
    kemi('unregister_ruid', {
      native: { name: 'unregister' },
      params: ['str', 'str', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, uri, ruid) => unregister(call, table, uri, ruid),
    }),
    // ---- looking at contacts
    /**
     * KSR.registrar.reg_fetch_contacts(table, uri, profile): copies the contacts of an address of record into $ulc(profile=>...).
     * @param table table of module usrloc
     * @param uri SIP URI
     * @param profile name for the copies; they belong to the message
     * @returns 1 copied; -1 nobody there, the URI has no address of record, no such table, or the database failed
     * Kamailio 6.x manual, module registrar, reg_fetch_contacts; deviations: docs/differences.md
     */
    kemi('reg_fetch_contacts', {
      params: ['str', 'str', 'str'],
      returns: 'int',
      async: true,
      run: (call, table, uri, profile) => fetchContacts(call, table, uri, profile),
    }),
    /**
     * KSR.registrar.reg_free_contacts(profile): forgets what reg_fetch_contacts() copied.
     * @param profile its name
     * @returns 1, also when there is none
     * Kamailio 6.x manual, module registrar, reg_free_contacts; deviations: none
     */
    kemi('reg_free_contacts', {
      params: ['str'],
      returns: 'int',
      run: ({ host }, profile) => {
        freeContacts(host, profile);
        return 1;
      },
    }),
  ],
  pvs: [ulcPv],
});
