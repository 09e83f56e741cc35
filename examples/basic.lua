-- What `kemi-wasm run` serves when it gets no script: a server that answers for itself and never relays.
-- OPTIONS for the server itself is a ping: 200. Everybody else's name is unknown here: 404. Copy it and go on from there.

local METHODS = "OPTIONS"

function ksr_request_route()
	-- A loop ends here, whatever else is wrong with the request.
	if KSR.maxfwd.process_maxfwd(10) < 0 then
		reply(483, "Too Many Hops")
	end

	-- 17895: all checks on headers that each request needs; 7: the R-URI's, From's and To's URI. It sends the error itself.
	if KSR.sanity.sanity_check(17895, 7) < 0 then
		KSR.x.exit()
	end

	-- An ACK is never answered (RFC 3261 17), and there is no call here it could belong to.
	if KSR.is_ACK() then
		KSR.x.exit()
	end

	-- The same holds for requests inside of calls.
	if KSR.is_CANCEL() or KSR.siputils.has_totag() > 0 then
		reply(481, "Call/Transaction Does Not Exist")
	end

	-- A user, or another host: nobody is registered here.
	if not KSR.is_myself_ruri() or KSR.corex.has_ruri_user() > 0 then
		reply(404, "Not Found")
	end

	-- RFC 3261 11.2 and 21.4.6: both answers say what would be right.
	KSR.hdr.append_to_reply("Allow: " .. METHODS .. "\r\n")
	if not KSR.is_OPTIONS() then
		reply(405, "Method Not Allowed")
	end
	reply(200, "OK")
end

-- Answers and ends the route.
function reply(code, reason)
	KSR.sl.sl_send_reply(code, reason)
	KSR.x.exit()
end
