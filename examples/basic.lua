-- What `kemi-wasm run` serves when it gets nothing else: a registrar and proxy for one's own users, never a relay for strangers.
--
-- With a user database (--db FILE, then kemi-wasm user add NAME@DOMAIN) everybody who registers or calls must know a password. Without one there are no
-- passwords, and only this machine and private networks are served.

local FLAG_ACC, FLAG_MISSED, FLAG_NAT = 1, 2, 5
local BFLAG_NAT, BFLAG_PING = 6, 7
local METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, INFO, UPDATE, PRACK, REFER, PUBLISH"

function ksr_request_route()
	check()
	nat()

	-- A CANCEL goes where its INVITE went; without one there is nothing to cancel.
	if KSR.is_CANCEL() then
		if KSR.tm.t_check_trans() > 0 then
			relay()
		end
		reply(481, "Call/Transaction Does Not Exist")
	end
	-- A retransmission gets the last answer again.
	if not KSR.is_ACK() then
		if KSR.tmx.t_precheck_trans() > 0 then
			KSR.tm.t_check_trans()
			return
		end
		if KSR.tm.t_check_trans() == 0 then
			return
		end
	end

	if KSR.siputils.has_totag() > 0 then
		within_dialog()
	end
	if KSR.is_ACK() then
		KSR.x.exit()
	end

	authorize()

	-- Whoever wants to choose the way of a first request may not: it goes where our users are.
	KSR.hdr.remove("Route")
	if not KSR.is_myself_ruri() then
		reply(403, "Not Relaying")
	end
	if KSR.is_REGISTER() then
		register()
	end
	if KSR.corex.has_ruri_user() < 0 then
		reply(484, "Address Incomplete")
	end
	if KSR.is_method_in("IS") then
		KSR.rr.record_route()
		KSR.rr.add_rr_param(";k=" .. dialog_key())
	end
	if KSR.is_INVITE() then
		KSR.setflag(FLAG_ACC)
	end
	locate()
end

-- What every request must pass.
function check()
	KSR.set_reply_no_connect()
	KSR.force_rport()
	if KSR.maxfwd.process_maxfwd(10) < 0 then
		reply(483, "Too Many Hops")
	end
	-- 17895: the headers that each request needs; 7: the URIs of the request line, From and To. It sends the error itself.
	if KSR.sanity.sanity_check(17895, 7) < 0 then
		KSR.x.exit()
	end
	-- Somebody asks whether we are there.
	if KSR.is_OPTIONS() and KSR.is_myself_ruri() and KSR.corex.has_ruri_user() < 0 then
		KSR.hdr.append_to_reply("Allow: " .. METHODS .. "\r\n")
		reply(200, "OK")
	end
end

-- A phone behind a NAT, or in a browser, writes addresses that lead nowhere. 83: a private Contact or top Via, another source address than the top Via's, a
-- WebSocket.
function nat()
	if KSR.nathelper.nat_uac_test(83) < 0 then
		return
	end
	if KSR.is_REGISTER() then
		KSR.nathelper.fix_nated_register()
	elseif KSR.siputils.is_first_hop() > 0 then
		KSR.nathelper.set_contact_alias()
	end
	KSR.setflag(FLAG_NAT)
end

-- Requests inside of a call follow the route that its first request recorded.
function within_dialog()
	if KSR.rr.loose_route() > 0 then
		-- Our own mark in the route: nobody else can make one up and be relayed with it. After a restart the marks of older calls are not known any more: they
		-- go on where both ends are nearby.
		if KSR.rr.check_route_param("k=" .. dialog_key()) < 0 and not (from_nearby() and nearby(KSR.pv.gete("$nh(d)"))) then
			if KSR.is_ACK() then
				KSR.x.exit()
			end
			reply(403, "Not Relaying")
		end
		if not KSR.isdsturiset() and KSR.nathelper.handle_ruri_alias() == 2 and KSR.is_myself_ruri() then
			-- Our own name for one of our phones (a GRUU): it is where it registered.
			if KSR.registrar.lookup("location") < 0 then
				if KSR.is_ACK() then
					KSR.x.exit()
				end
				reply(404, "Not Found")
			end
		end
		if KSR.is_BYE() then
			KSR.setflag(FLAG_ACC)
		elseif KSR.is_NOTIFY() then
			KSR.rr.record_route()
			KSR.rr.add_rr_param(";k=" .. dialog_key())
		end
		relay()
	end
	if KSR.is_ACK() then
		-- To an error answer of ours, or of nobody.
		if KSR.tm.t_check_trans() > 0 then
			relay()
		end
		KSR.x.exit()
	end
	reply(404, "Not Here")
end

-- Who may use this server.
function authorize()
	if not KSR.auth_db then
		if not from_nearby() then
			reply(403, "Start with a user database to serve other networks")
		end
		return
	end
	if not (KSR.is_REGISTER() or KSR.is_myself_furi()) then
		-- Strangers may call our users, and nobody else: the request URI is looked at behind this.
		return
	end
	-- 1: the user name must be that of From, or of To in a REGISTER
	local domain = KSR.kx.gete_fhost()
	if KSR.auth_db.auth_check(domain, "subscriber", 1) < 0 then
		KSR.auth.auth_challenge(domain, 1)
		KSR.x.exit()
	end
	if not KSR.is_method_in("RP") then
		KSR.auth.consume_credentials()
	end
end

function register()
	if KSR.isflagset(FLAG_NAT) then
		KSR.setbflag(BFLAG_NAT)
		KSR.setbflag(BFLAG_PING)
	end
	if KSR.registrar.save("location", 0) < 0 then
		KSR.sl.sl_reply_error()
	end
	KSR.x.exit()
end

-- To all phones of the user at once.
function locate()
	local code = KSR.registrar.lookup("location")
	if code == -2 then
		reply_stateful(405, "Method Not Allowed")
	elseif code < 0 then
		reply_stateful(404, "Not Found")
	end
	if KSR.is_INVITE() then
		KSR.setflag(FLAG_MISSED)
	end
	relay()
end

function relay()
	if KSR.is_method_in("ISU") and KSR.tm.t_is_set("onreply_route") < 0 then
		KSR.tm.t_on_reply("from_phone")
	end
	if KSR.tm.t_relay() < 0 then
		KSR.sl.sl_reply_error()
	end
	KSR.x.exit()
end

-- Replies of a phone behind a NAT: its Contact gets the address it can be reached at.
function from_phone()
	if KSR.isbflagset(BFLAG_NAT) then
		KSR.nathelper.set_contact_alias()
	end
end

-- Whether a request comes from this machine or a private network: from nobody who is somewhere on the Internet.
function from_nearby()
	return KSR.is_myself_srcip() or nearby(KSR.kx.get_srcip())
end

-- Whether an address is this machine's or a private one (RFC 1918, RFC 4193, link-local). A name is not.
function nearby(address)
	local ip = string.lower(string.gsub(address, "[%[%]]", ""))
	if string.find(ip, ":", 1, true) then
		return ip == "::1" or string.find(ip, "^f[cd]") ~= nil or string.find(ip, "^fe[89ab]") ~= nil
	end
	return string.find(ip, "^127%.%d+%.%d+%.%d+$") ~= nil or KSR.nathelper.is_rfc1918(ip) > 0
end

-- A mark for the Record-Route of this call that only we can make: a hash of its Call-ID and of a secret that lives as long as the server.
function dialog_key()
	local secret = KSR.pv.get("$shv(dialog_secret)")
	if not secret or secret == 0 then
		secret = KSR.uuid.get() .. KSR.uuid.get()
		KSR.pv.sets("$shv(dialog_secret)", secret)
	end
	KSR.pv.sets("$var(key)", secret .. KSR.kx.get_callid())
	return string.sub(KSR.pv.gete("$(var(key){s.sha256})"), 1, 24)
end

-- Answers and ends the route.
function reply(code, reason)
	KSR.sl.sl_send_reply(code, reason)
	KSR.x.exit()
end

-- The same through a transaction: the answer is sent again until an ACK comes.
function reply_stateful(code, reason)
	KSR.tm.t_newtran()
	KSR.sl.send_reply(code, reason)
	KSR.x.exit()
end
