-- The checks a script makes before it routes anything, of a request that passes them all. Nothing is sent.
local function check_source()
	if KSR.is_myself_srcip() then return end
	local ip = KSR.kx.get_srcip()
	if KSR.htable.sht_match_name("ipban", "eq", ip) > 0 then
		KSR.x.exit()
	end
	if KSR.pike.pike_check_req() < 0 then
		KSR.htable.sht_seti("ipban", ip, 1)
		KSR.x.exit()
	end
end

local function request_init()
	KSR.set_reply_no_connect()
	KSR.force_rport()
	check_source()
	local ua = KSR.kx.gete_ua()
	if string.find(ua, "friendly") or string.find(ua, "scanner") or string.find(ua, "sipcli") or string.find(ua, "sipvicious") then
		KSR.sl.sl_send_reply(200, "OK")
		KSR.x.exit()
	end
	if KSR.maxfwd.process_maxfwd(10) < 0 then
		KSR.sl.sl_send_reply(483, "Too Many Hops")
		KSR.x.exit()
	end
	if KSR.is_OPTIONS() and KSR.is_myself_ruri() and KSR.corex.has_ruri_user() < 0 then
		KSR.sl.sl_send_reply(200, "Keepalive")
		KSR.x.exit()
	end
	if KSR.sanity.sanity_check(1511, 7) < 0 then
		KSR.x.exit()
	end
end

function ksr_request_route()
	request_init()
	if not KSR.is_myself_ruri() and not KSR.is_myself_furi() then
		KSR.sl.sl_send_reply(403, "Not relaying")
		KSR.x.exit()
	end
	if KSR.corex.has_ruri_user() < 0 then
		KSR.sl.sl_send_reply(484, "Address Incomplete")
		KSR.x.exit()
	end
end
