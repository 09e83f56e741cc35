/** The rows of KSR.textops about bodies. */
import { exportsOf } from '../../kemi/table.ts';
import {
  appendPart,
  audioOnHold,
  filterBody,
  fromHex,
  getPart,
  hasBody,
  hasBodyType,
  removePart,
  setBody,
  setMultipart,
  setReplyBody,
} from './body.ts';
import type { State } from './state.ts';

const kemi = exportsOf<State>();

export const BODY_ROWS = [
  /**
   * KSR.textops.has_body(): tells whether the message has a body, by Content-Length.
   * @returns 1 it has; -1 not
   * Kamailio 6.x manual, module textops, has_body; codes observed on 5.6.3
   */
  kemi('has_body', { params: [], returns: 'int', run: call => hasBody(call.msg) }),
  /**
   * KSR.textops.has_body_type(type): tells whether the message has a body of a type, parameters and case aside; without Content-Type it is
   * application/sdp. DIFFERS: types that Kamailio does not know are all equal there.
   * @param type media type
   * @returns 1 it has, or the type is empty and there is a body; -1 not
   * Kamailio 6.x manual, module textops, has_body_type; codes observed on 5.6.3
   */
  kemi('has_body_type', {
    native: { name: 'has_body' },
    params: ['str'],
    returns: 'int',
    run: (call, type) => hasBodyType(call.msg, type),
  }),
  /**
   * KSR.textops.set_body(body, type): replaces the body; Content-Type and Content-Length follow.
   * @param body new body  @param type media type
   * @returns 1 done; -1 empty body or type
   * Kamailio 6.x manual, module textops, set_body; codes observed on 5.6.3
   */
  kemi('set_body', { params: ['str', 'str'], returns: 'int', run: (call, body, type) => setBody(call, body, type) }),
  /**
   * KSR.textops.set_body_hex(body, type): replaces the body; Content-Type and Content-Length follow.
   * @param body new body in hex; blanks may stand between the pairs  @param type media type
   * @returns 1 done; -1 no hex, or empty body or type
   * Kamailio 6.x, module textops, set_body_hex
   */
  kemi('set_body_hex', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, body, type) => setBody(call, fromHex(body) ?? '', type),
  }),
  /**
   * KSR.textops.set_reply_body(body, type): sets the body of the next reply to this request.
   * @param body body  @param type media type
   * @returns 1 done; -1 empty body or type, or there is one already
   * Kamailio 6.x manual, module textops, set_reply_body; codes observed on 5.6.3
   */
  kemi('set_reply_body', {
    native: { routes: ['request', 'failure', 'branch', 'event'] },
    params: ['str', 'str'],
    returns: 'int',
    run: (call, body, type) => setReplyBody(call, body, type),
  }),
  /**
   * KSR.textops.set_reply_body_hex(body, type): sets the body of the next reply to this request.
   * @param body body in hex; blanks may stand between the pairs  @param type media type
   * @returns 1 done; -1 no hex, empty body or type, or there is one already
   * Kamailio 6.x, module textops, set_reply_body_hex
   */
  kemi('set_reply_body_hex', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, body, type) => setReplyBody(call, fromHex(body) ?? '', type),
  }),
  /**
   * KSR.textops.filter_body(type): makes the content of the first part of a type the whole body of a multipart message; Content-Type stays.
   * DIFFERS: other headers of the part are left out.
   * @param type media type
   * @returns 1 done; -1 not multipart, or no such part
   * Kamailio 6.x manual, module textops, filter_body; codes observed on 5.6.3
   */
  kemi('filter_body', { params: ['str'], returns: 'int', run: (call, type) => filterBody(call, type) }),
  /**
   * KSR.textops.get_body_part(type, target): stores what follows the Content-Type line of the first part of a type.
   * @param type media type  @param target name of a PV that takes the result
   * @returns 1 done; -1 not multipart, no such part, or a PV that takes no value
   * Kamailio 6.x manual, module textops, get_body_part; codes observed on 5.6.3
   */
  kemi('get_body_part', {
    native: { params: ['str', 'raw'] },
    params: ['str', 'str'],
    returns: 'int',
    run: (call, type, target) => getPart(call, type, target, false),
  }),
  /**
   * KSR.textops.get_body_part_raw(type, target): stores the first part of a type with its headers and the delimiter behind it.
   * @param type media type  @param target name of a PV that takes the result
   * @returns 1 done; -1 not multipart, no such part, or a PV that takes no value
   * Kamailio 6.x manual, module textops, get_body_part_raw; codes observed on 5.6.3
   */
  kemi('get_body_part_raw', {
    native: { params: ['str', 'raw'] },
    params: ['str', 'str'],
    returns: 'int',
    run: (call, type, target) => getPart(call, type, target, true),
  }),
  /**
   * KSR.textops.remove_body_part(type): removes the first part of a type from a multipart body.
   * @param type media type
   * @returns 1 done; -1 not multipart, or no such part
   * Kamailio 6.x manual, module textops, remove_body_part; codes observed on 5.6.3
   */
  kemi('remove_body_part', { params: ['str'], returns: 'int', run: (call, type) => removePart(call, type) }),
  /**
   * KSR.textops.append_body_part(body, type): adds a part to a multipart body.
   * @param body content  @param type media type
   * @returns 1 done; -1 not multipart, or empty content or type
   * Kamailio 6.x manual, module textops, append_body_part; codes observed on 5.6.3
   */
  kemi('append_body_part', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, body, type) => appendPart(call, body, type, ''),
  }),
  /**
   * KSR.textops.append_body_part_cd(body, type, disposition): adds a part with a Content-Disposition to a multipart body.
   * @param body content  @param type media type  @param disposition value of Content-Disposition, empty for none
   * @returns 1 done; -1 not multipart, or empty content or type
   * Kamailio 6.x manual, module textops, append_body_part_cd; codes observed on 5.6.3
   */
  kemi('append_body_part_cd', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, body, type, disposition) => appendPart(call, body, type, disposition),
  }),
  /**
   * KSR.textops.append_body_part_hex(body, type): adds a part to a multipart body.
   * @param body content in hex  @param type media type
   * @returns 1 done; -1 not multipart, no hex, or empty content or type
   * Kamailio 6.x manual, module textops, append_body_part_hex; codes observed on 5.6.3
   */
  kemi('append_body_part_hex', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, body, type) => appendPart(call, fromHex(body) ?? '', type, ''),
  }),
  /**
   * KSR.textops.append_body_part_hex_cd(body, type, disposition): adds a part with a Content-Disposition to a multipart body.
   * @param body content in hex  @param type media type  @param disposition value of Content-Disposition, empty for none
   * @returns 1 done; -1 not multipart, no hex, or empty content or type
   * Kamailio 6.x manual, module textops, append_body_part_hex_cd; codes observed on 5.6.3
   */
  kemi('append_body_part_hex_cd', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, body, type, disposition) => appendPart(call, fromHex(body) ?? '', type, disposition),
  }),
  /**
   * KSR.textops.set_body_multipart_mode(): makes the body the only part of a multipart/mixed body. DIFFERS: the closing delimiter is always there
   * (RFC 2046 5.1.1).
   * @returns 1 done, or multipart already; -1 no body
   * Kamailio 6.x manual, module textops, set_body_multipart_mode; codes observed on 5.6.3
   */
  kemi('set_body_multipart_mode', { params: [], returns: 'int', run: call => setMultipart(call, '', '', '') }),
  /**
   * KSR.textops.set_body_multipart_boundary(boundary): makes the body the only part of a multipart/mixed body.
   * @param boundary boundary; empty: unique-boundary-1
   * @returns 1 done, or multipart already; -1 no body
   * Kamailio 6.x manual, module textops, set_body_multipart_boundary; codes observed on 5.6.3
   */
  kemi('set_body_multipart_boundary', {
    params: ['str'],
    returns: 'int',
    run: (call, boundary) => setMultipart(call, '', '', boundary),
  }),
  /**
   * KSR.textops.set_body_multipart_content(body, type): makes the text the only part of a multipart/mixed body.
   * @param body content of the part  @param type media type
   * @returns 1 done; -1 no text and no body
   * Kamailio 6.x manual, module textops, set_body_multipart_content; codes observed on 5.6.3
   */
  kemi('set_body_multipart_content', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, body, type) => setMultipart(call, body, type, ''),
  }),
  /**
   * KSR.textops.set_body_multipart(body, type, boundary): makes the text the only part of a multipart/mixed body.
   * @param body content of the part  @param type media type  @param boundary boundary; empty: unique-boundary-1
   * @returns 1 done; -1 no text and no body
   * Kamailio 6.x manual, module textops, set_body_multipart; codes observed on 5.6.3
   */
  kemi('set_body_multipart', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, body, type, boundary) => setMultipart(call, body, type, boundary),
  }),
  /**
   * KSR.textops.is_audio_on_hold(): tells whether the SDP holds an audio stream.
   * @returns 2 sendonly or inactive (RFC 3264 8.4); 1 address 0.0.0.0 (RFC 2543); -1 not
   * Kamailio 6.x manual, module textops, is_audio_on_hold; codes observed on 5.6.3
   */
  kemi('is_audio_on_hold', { params: [], returns: 'int', run: call => audioOnHold(call.msg) }),
];
