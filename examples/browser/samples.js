// What the page begins with: a script, and messages to receive.

export const SCRIPT = `-- Answers, forwards, and counts. KSR is Kamailio's; Load checks every use of it.
function ksr_request_route()
  if KSR.maxfwd.process_maxfwd(10) < 0 then
    KSR.sl.sl_send_reply(483, "Too Many Hops")
    KSR.x.exit()
  end
  KSR.info("a " .. KSR.kx.get_method() .. " for " .. KSR.pv.gete("$ru") .. "\\n")

  if KSR.is_REGISTER() then
    KSR.registrar.save("location", 0)
    KSR.x.exit()
  end
  if KSR.is_OPTIONS() then
    KSR.sl.sl_send_reply(200, "Hello " .. KSR.pv.gete("$fU"))
    KSR.x.exit()
  end
  if KSR.registrar.lookup("location") < 0 then
    KSR.sl.sl_send_reply(404, "Not Found")
    KSR.x.exit()
  end
  KSR.rr.record_route()
  KSR.tm.t_relay()
end
`;

const message = lines => `${lines.join('\n')}\n\n`;

export const MESSAGES = {
  OPTIONS: message([
    'OPTIONS sip:192.0.2.1 SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK{n}',
    'Max-Forwards: 70',
    'From: "Alice" <sip:alice@example.com>;tag=a{n}',
    'To: <sip:192.0.2.1>',
    'Call-ID: options-{n}@198.51.100.7',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]),
  'REGISTER bob': message([
    'REGISTER sip:example.com SIP/2.0',
    'Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK{n}',
    'Max-Forwards: 70',
    'From: <sip:bob@example.com>;tag=b{n}',
    'To: <sip:bob@example.com>',
    'Call-ID: register-{n}@203.0.113.5',
    'CSeq: 1 REGISTER',
    'Contact: <sip:bob@203.0.113.5:5060>;expires=600',
    'Content-Length: 0',
  ]),
  'INVITE bob': message([
    'INVITE sip:bob@example.com SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK{n}',
    'Max-Forwards: 70',
    'From: "Alice" <sip:alice@example.com>;tag=a{n}',
    'To: <sip:bob@example.com>',
    'Call-ID: call-{n}@198.51.100.7',
    'CSeq: 1 INVITE',
    'Contact: <sip:alice@198.51.100.7:5060>',
    'Content-Length: 0',
  ]),
};
