/** KSR.siputils: checks of messages and values, URIs, Contact encoding. has_totag, is_request, is_reply and is_first_hop are in the core. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { sameHeaderName } from '../../kemi/message-edits.ts';
import { trimEndOf } from '../../kemi/scan.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { parseUri } from '../../kemi/uri.ts';
import { commands } from './commands.ts';
import {
  decodeContactParam,
  decodeContacts,
  decodeRuri,
  decodeRuriParam,
  encodeContact,
  encodeParam,
  hasContactParam,
  removeContactParam,
} from './contact.ts';
import {
  checkDate,
  isAlphanumeric,
  isAlphanumericOr,
  isFirstHop,
  isNumeric,
  isTelNumber,
  isUser,
  type OptionsReply,
  parseAll,
  replyOptions,
} from './siputils.ts';
import { addParam, compareAors, compareUris, gruu, hasAnyParam, hasParam, removeParam } from './uri.ts';

interface State {
  readonly separator: ByteStr;
  readonly options: OptionsReply;
}

const kemi = exportsOf<State>();
const SCHEMES: readonly number[] = [L.SCHEME_SIP, L.SCHEME_SIPS, L.SCHEME_TEL, L.SCHEME_URN];

function isUri(call: Call<State>, text: ByteStr): number {
  const uri = parseUri(call.host.core, text);
  return uri && SCHEMES.includes(uri.scheme) ? 1 : -1;
}

function compareNames(a: ByteStr, b: ByteStr): number {
  if (!a || !b) return -2;
  const plain = (name: ByteStr) => trimEndOf(name, ' \t:');
  return sameHeaderName(plain(a), plain(b)) ? 1 : -1;
}

export default defineModule<State>({
  name: 'siputils',
  shares: true,
  modparams: {
    contact_flds_separator: {
      type: 'str',
      default: '*',
      doc: 'its first character separates the fields of encode_contact',
    },
    options_accept: { type: 'str', default: '*/*', doc: 'Accept of options_reply' },
    options_accept_encoding: { type: 'str', default: '', doc: 'Accept-Encoding of options_reply' },
    options_accept_language: { type: 'str', default: 'en', doc: 'Accept-Language of options_reply' },
    options_support: { type: 'str', default: '', doc: 'Supported of options_reply' },
  },
  create: (_host, params) => ({
    separator: String(params.contact_flds_separator || '*').charAt(0),
    options: {
      accept: String(params.options_accept ?? ''),
      acceptEncoding: String(params.options_accept_encoding ?? ''),
      acceptLanguage: String(params.options_accept_language ?? ''),
      supported: String(params.options_support ?? ''),
    },
  }),
  commands,
  functions: [
    /**
     * KSR.siputils.has_totag(): whether To has a tag.
     * @returns 1 it has one; -1 it has none, or does not parse
     * Kamailio 6.x manual, module siputils; deviations: none
     */
    kemi('has_totag', { params: [], returns: 'int', wasm: 'hasTotag' }),
    /**
     * KSR.siputils.is_request(): whether the message is a request.
     * @returns 1 or -1
     * Kamailio 6.x manual, module siputils; deviations: none
     */
    kemi('is_request', { params: [], returns: 'int', wasm: 'isRequest' }),
    /**
     * KSR.siputils.is_reply(): whether the message is a reply.
     * @returns 1 or -1
     * Kamailio 6.x manual, module siputils; deviations: none
     */
    kemi('is_reply', { params: [], returns: 'int', wasm: 'isReply' }),
    /**
     * KSR.siputils.is_first_hop(): whether the sender is the first hop: a request with one Via, a reply whose top Record-Route is ours and not its source, or
     * that has none.
     * @returns 1 or -1
     * Kamailio 6.x manual, module siputils; deviations: none
     */
    kemi('is_first_hop', { params: [], returns: 'int', wasm: 'isFirstHop' }),
    /**
     * KSR.siputils.uri_param(param): tells whether the request URI has a parameter without a value.
     * @param param parameter name
     * @returns 1 it has; -1 not
     * Kamailio 6.x manual, module siputils, uri_param; codes observed on 5.6.3
     */
    kemi('uri_param', { params: ['str'], returns: 'int', run: (call, param) => hasParam(call.msg, param, '') }),
    /**
     * KSR.siputils.uri_param_value(param, value): tells whether the request URI has a parameter with this value; of several of one name the
     * last counts.
     * @param param parameter name  @param value its value; case counts
     * @returns 1 it has; -1 not
     * Kamailio 6.x manual, module siputils, uri_param_value; codes observed on 5.6.3
     */
    kemi('uri_param_value', {
      native: { name: 'uri_param' },
      params: ['str', 'str'],
      returns: 'int',
      run: (call, param, value) => hasParam(call.msg, param, value),
    }),
    /**
     * KSR.siputils.uri_param_any(param): tells whether the request URI has a parameter, with or without a value.
     * @param param parameter name
     * @returns 1 it has; -1 not
     * Kamailio 6.x manual, module siputils, uri_param_any; codes observed on 5.6.3
     */
    kemi('uri_param_any', { params: ['str'], returns: 'int', run: (call, param) => hasAnyParam(call.msg, param) }),
    /**
     * KSR.siputils.uri_param_rm(param): removes a parameter of the request URI; of several the last.
     * @param param parameter name
     * @returns 1 done, also when there is none; -1 the URI does not parse
     * Kamailio 6.x manual, module siputils, uri_param_rm; codes observed on 5.6.3
     */
    kemi('uri_param_rm', { params: ['str'], returns: 'int', run: (call, param) => removeParam(call.msg, param) }),
    /**
     * KSR.siputils.add_uri_param(param): adds a parameter to the request URI.
     * @param param name or name=value
     * @returns 1 done, also for an empty text; -1 the URI does not parse
     * Kamailio 6.x manual, module siputils, add_uri_param; codes observed on 5.6.3
     */
    kemi('add_uri_param', { params: ['str'], returns: 'int', run: (call, param) => addParam(call.msg, param) }),
    /**
     * KSR.siputils.is_gruu(): tells whether the request URI is a GRUU (RFC 5627).
     * @returns 1 public; 2 temporary; -1 none
     * Kamailio 6.x manual, module siputils, is_gruu; codes observed on 5.6.3
     */
    kemi('is_gruu', { params: [], returns: 'int', run: call => gruu(call.msg) }),
    /**
     * KSR.siputils.cmp_uri(a, b): compares two URIs by RFC 3261 19.1.4 as Kamailio does: headers do not count, escapes stay as written, user, ttl,
     * method and maddr must be in both.
     * @param a URI  @param b URI
     * @returns 1 the same; -1 not; -2 one does not parse
     * Kamailio 6.x manual, module siputils, cmp_uri; codes observed on 5.6.3
     */
    kemi('cmp_uri', { params: ['str', 'str'], returns: 'int', run: (call, a, b) => compareUris(call, a, b) }),
    /**
     * KSR.siputils.cmp_aor(a, b): compares two addresses of record: user, host and port; 5060 is the same as none.
     * @param a URI  @param b URI
     * @returns 1 the same; -1 not; -2 one does not parse
     * Kamailio 6.x manual, module siputils, cmp_aor; codes observed on 5.6.3
     */
    kemi('cmp_aor', { params: ['str', 'str'], returns: 'int', run: (call, a, b) => compareAors(call, a, b) }),
    /**
     * KSR.siputils.cmp_hdr_name(a, b): compares two header names, compact forms and case aside.
     * @param a header name  @param b header name
     * @returns 1 the same; -1 not; -2 one is empty
     * Kamailio 6.x manual, module siputils, cmp_hdr_name; codes observed on 5.6.3
     */
    kemi('cmp_hdr_name', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (_call, a, b) => compareNames(a, b),
    }),
    /**
     * KSR.siputils.is_uri(value): tells whether a text is a URI with a known scheme: sip, sips, tel or urn.
     * @param value text
     * @returns 1 it is; -1 not
     * Kamailio 6.x manual, module siputils, is_uri; codes observed on 5.6.3
     */
    kemi('is_uri', { params: ['str'], returns: 'int', run: (call, value) => isUri(call, value) }),
    /**
     * KSR.siputils.is_numeric(value): tells whether a text is digits.
     * @param value text
     * @returns 1 it is; -2 not, or empty
     * Kamailio 6.x manual, module siputils, is_numeric; codes observed on 5.6.3
     */
    kemi('is_numeric', { params: ['str'], returns: 'int', anytime: true, run: (_call, value) => isNumeric(value) }),
    /**
     * KSR.siputils.is_alphanum(value): tells whether a text is digits and ASCII letters.
     * @param value text
     * @returns 1 it is; -2 empty; -3 not
     * Kamailio 6.x manual, module siputils, is_alphanum; codes observed on 5.6.3
     */
    kemi('is_alphanum', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (_call, value) => isAlphanumeric(value),
    }),
    /**
     * KSR.siputils.is_alphanumex(value, extra): tells whether a text is digits, ASCII letters and other characters.
     * @param value text  @param extra more characters that may be in it
     * @returns 1 it is; -2 empty; -3 not
     * Kamailio 6.x manual, module siputils, is_alphanumex; codes observed on 5.6.3
     */
    kemi('is_alphanumex', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (_call, value, extra) => isAlphanumericOr(value, extra),
    }),
    /**
     * KSR.siputils.is_tel_number(value): tells whether a text is a telephone number: an optional + and digits.
     * @param value text
     * @returns 1 it is; -2 not, or empty
     * Kamailio 6.x manual, module siputils, is_tel_number; codes observed on 5.6.3
     */
    kemi('is_tel_number', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (_call, value) => isTelNumber(value),
    }),
    /**
     * KSR.siputils.is_user(user): tells whether the request came with verified credentials of this user. An authentication module verifies them.
     * @param user user name
     * @returns 1 it did; -1 not
     * Kamailio 6.x manual, module siputils, is_user; codes observed on 5.6.3
     */
    kemi('is_user', { params: ['str'], returns: 'int', run: (call, user) => isUser(call, user) }),
    /**
     * KSR.siputils.is_first_hop_mode(mode): tells whether the sender is the first hop: a request with one Via, a reply whose top Record-Route is ours
     * or missing.
     * @param mode 0: the sender of a reply must not be a socket of ours; else that does not count
     * @returns 1 it is; -1 not
     * Kamailio 6.x manual, module siputils, is_first_hop_mode; codes observed on 5.6.3
     */
    kemi('is_first_hop_mode', {
      native: { name: 'is_first_hop' },
      params: ['int'],
      returns: 'int',
      run: (call, mode) => isFirstHop(call, mode),
    }),
    /**
     * KSR.siputils.is_sip(): tells whether the message is SIP.
     * @returns 1 it is; -1 not
     * Kamailio 6.x manual, module siputils, is_sip
     */
    kemi('is_sip', {
      params: [],
      returns: 'int',
      run: call => (call.msg.version.toUpperCase().startsWith('SIP/') ? 1 : -1),
    }),
    /**
     * KSR.siputils.is_http(): tells whether the message is HTTP.
     * @returns 1 it is; -1 not
     * Kamailio 6.x manual, module siputils, is_http
     */
    kemi('is_http', {
      params: [],
      returns: 'int',
      run: call => (call.msg.version.toUpperCase().startsWith('HTTP/') ? 1 : -1),
    }),
    /**
     * KSR.siputils.sip_parse_headers(): parses the headers that routing needs: Via, From, To, CSeq, Contact, Route and Record-Route.
     * @returns 1 all parse; -1 not
     * Kamailio 6.x manual, module siputils, sip_parse_headers
     */
    kemi('sip_parse_headers', { params: [], returns: 'int', run: call => parseAll(call.msg) }),
    /**
     * KSR.siputils.hdr_date_check(seconds): checks the age of the Date header.
     * @param seconds how old Date may be
     * @returns 1 not older; -1 no Date, or none that parses; -4 older
     * Kamailio 6.x manual, module siputils, hdr_date_check; codes observed on 5.6.3
     */
    kemi('hdr_date_check', { params: ['int'], returns: 'int', run: (call, seconds) => checkDate(call, seconds) }),
    /**
     * KSR.siputils.options_reply(): answers an OPTIONS without user in the request URI with 200 and what the modparams say.
     * @returns 1 answered; -1 not such a request, or it could not be sent
     * Kamailio 6.x manual, module siputils, options_reply; codes observed on 5.6.3
     */
    kemi('options_reply', {
      native: { routes: ['request', 'event'] },
      params: [],
      returns: 'int',
      run: call => replyOptions(call, call.state.options),
    }),
    /**
     * KSR.siputils.encode_contact(prefix, host): turns the URI of each Contact into `sip:PREFIX*user*password*host*port*transport@HOST`; its
     * parameters are lost.
     * @param prefix start of the encoded user part  @param host host and port of this server
     * @returns 1 done; -1 no Contact or empty host; -2 a URI that is not sip or sips; -4 a Contact that does not parse
     * Kamailio 6.x manual, module siputils, encode_contact; codes observed on 5.6.3
     */
    kemi('encode_contact', {
      native: { routes: ['request', 'onreply', 'event', 'reply'] },
      params: ['str', 'str'],
      returns: 'int',
      run: (call, prefix, host) => encodeContact(call, call.state.separator, prefix, host),
    }),
    /**
     * KSR.siputils.decode_contact(): turns a request URI made by encode_contact back.
     * @returns 1 done; -23 no user part; -24 too many fields; -26 too few
     * Kamailio 6.x manual, module siputils, decode_contact; codes observed on 5.6.3
     */
    kemi('decode_contact', { params: [], returns: 'int', run: call => decodeRuri(call.msg, call.state.separator) }),
    /**
     * KSR.siputils.decode_contact_header(): turns Contacts made by encode_contact back; when one is not, none is changed.
     * @returns 1 done; -1 no Contact; -4 a Contact that does not parse; -23, -24, -26 as decode_contact
     * Kamailio 6.x manual, module siputils, decode_contact_header; codes observed on 5.6.3
     */
    kemi('decode_contact_header', {
      params: [],
      returns: 'int',
      run: call => decodeContacts(call.msg, call.state.separator),
    }),
    /**
     * KSR.siputils.contact_param_encode(param, address): turns the URI of each Contact into `ADDRESS;PARAM=base64url(URI)`.
     * @param param parameter name  @param address SIP URI of this server
     * @returns 1 done, also without Contact; -1 empty parameter; -4 a Contact that does not parse
     * Kamailio 6.x manual, module siputils, contact_param_encode; codes observed on 5.6.3
     */
    kemi('contact_param_encode', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, param, address) => encodeParam(call.msg, param, address),
    }),
    /**
     * KSR.siputils.contact_param_decode(param): turns Contacts made by contact_param_encode back.
     * @param param parameter name
     * @returns 1 done, also when a Contact has no such parameter; -1 its value is not base64url
     * Kamailio 6.x manual, module siputils, contact_param_decode; codes observed on 5.6.3
     */
    kemi('contact_param_decode', {
      params: ['str'],
      returns: 'int',
      run: (call, param) => decodeContactParam(call, param),
    }),
    /**
     * KSR.siputils.contact_param_decode_ruri(param): turns a request URI made by contact_param_encode back.
     * @param param parameter name
     * @returns 1 done, also when it has no such parameter; -1 its value is not base64url
     * Kamailio 6.x manual, module siputils, contact_param_decode_ruri; codes observed on 5.6.3
     */
    kemi('contact_param_decode_ruri', {
      params: ['str'],
      returns: 'int',
      run: (call, param) => decodeRuriParam(call, param),
    }),
    /**
     * KSR.siputils.contact_param_rm(param): removes a parameter from the URI of each Contact.
     * @param param parameter name
     * @returns 1 done, also when there is none
     * Kamailio 6.x manual, module siputils, contact_param_rm; codes observed on 5.6.3
     */
    kemi('contact_param_rm', {
      params: ['str'],
      returns: 'int',
      run: (call, param) => removeContactParam(call, param),
    }),
    /**
     * KSR.siputils.contact_param_check(param): tells whether the URI of a Contact has a parameter.
     * @param param parameter name
     * @returns 1 it has; -1 not
     * Kamailio 6.x manual, module siputils, contact_param_check
     */
    kemi('contact_param_check', {
      params: ['str'],
      returns: 'int',
      run: (call, param) => hasContactParam(call, param),
    }),
  ],
});
