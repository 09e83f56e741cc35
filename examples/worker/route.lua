-- A registrar and proxy for phones that speak SIP over WebSocket (JsSIP, SIP.js). Nothing but their connections can be reached from here, so it is no relay for
-- strangers. With SIP_PASSWORD set in the worker's environment, whoever registers or calls must know it.

function ksr_request_route()
	KSR.set_reply_no_connect()
	KSR.force_rport()
	if KSR.maxfwd.process_maxfwd(10) < 0 then
		answer(483, "Too Many Hops")
	end
	-- 17895: the headers that each request needs; 7: the URIs of the request line, From and To. It sends the error itself.
	if KSR.sanity.sanity_check(17895, 7) < 0 then
		KSR.x.exit()
	end
	if KSR.is_CANCEL() then
		if KSR.tm.t_check_trans() > 0 then
			relay()
		end
		answer(481, "Call/Transaction Does Not Exist")
	end
	-- A retransmission gets the last answer again.
	if not KSR.is_ACK() and KSR.tm.t_check_trans() == 0 then
		return
	end

	-- Within a call: along the recorded route, to the connection that the other side's Contact names.
	if KSR.siputils.has_totag() > 0 then
		if KSR.rr.loose_route() > 0 then
			KSR.nathelper.handle_ruri_alias()
			relay()
		end
		if KSR.is_ACK() then
			KSR.x.exit()
		end
		answer(404, "Not Here")
	end
	if KSR.is_ACK() then
		KSR.x.exit()
	end

	authorize()
	KSR.hdr.remove("Route")
	if KSR.is_REGISTER() then
		-- The name in a browser's Contact leads nowhere: it is reached by its connection.
		KSR.nathelper.fix_nated_register()
		if KSR.registrar.save("location", 0) < 0 then
			KSR.sl.sl_reply_error()
		end
		KSR.x.exit()
	end
	if KSR.is_OPTIONS() and KSR.is_myself_ruri() and KSR.corex.has_ruri_user() < 0 then
		answer(200, "OK")
	end
	if KSR.registrar.lookup("location") < 0 then
		answer(404, "Not Found")
	end
	KSR.rr.record_route()
	KSR.nathelper.set_contact_alias()
	relay()
end

function authorize()
	local password = KSR.pv.gete("$env(SIP_PASSWORD)")
	if password == "" then
		return
	end
	local realm = KSR.kx.gete_fhost()
	-- 1: the user name must be that of From, or of To in a REGISTER
	if KSR.auth.pv_auth_check(realm, password, 0, 1) < 0 then
		KSR.auth.auth_challenge(realm, 1)
		KSR.x.exit()
	end
	if not KSR.is_REGISTER() then
		KSR.auth.consume_credentials()
	end
end

function relay()
	KSR.tm.t_on_reply("from_phone")
	if KSR.tm.t_relay() < 0 then
		KSR.sl.sl_reply_error()
	end
	KSR.x.exit()
end

function from_phone()
	KSR.nathelper.set_contact_alias()
end

function answer(code, reason)
	KSR.sl.sl_send_reply(code, reason)
	KSR.x.exit()
end
