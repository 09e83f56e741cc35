-- Variables compared, matched, joined and set; numbers; a choice by a value. Nothing is sent.
local function kind_of_number()
	local user = KSR.pv.get("$rU")
	if user == nil then return 5 end
	if string.find(user, "^00") then return 1 end
	if string.find(user, "^%+[1-9]") then return 2 end
	if string.find(user, "^[2-9][0-9][0-9]$") then return 3 end
	return 4
end

local function tenant()
	local domain = KSR.pv.get("$rd")
	if domain == "sip.example.com" or domain == "sip.example.net" then return 1 end
	if domain == "sip.example.org" then return 2 end
	return 3
end

function ksr_request_route()
	if KSR.pv.get("$rm") == "INVITE" and KSR.pv.get("$fU") ~= "anonymous" then
		KSR.pv.sets("$avp(caller)", KSR.pv.gete("$fU") .. "@" .. KSR.pv.gete("$fd"))
	end
	if KSR.pv.get("$si") == "192.0.2.7" and KSR.pv.get("$sp") == 5062 then
		KSR.pv.seti("$avp(trusted)", 1)
	end
	local n = tenant() * 10
	local kind = kind_of_number()
	if kind == 1 then
		KSR.pv.sets("$avp(to)", "international")
	elseif kind == 2 then
		KSR.pv.sets("$avp(to)", "e164")
	elseif kind == 3 then
		KSR.pv.sets("$avp(to)", "short")
	else
		KSR.pv.sets("$avp(to)", "user")
	end
	if n + kind > 22 and KSR.pv.get("$hdr(X-Tenant)") ~= nil then
		KSR.pv.sets("$avp(tenant)", KSR.pv.gete("$hdr(X-Tenant)"))
	end
	if KSR.pv.get("$avp(to)") == "e164" then
		KSR.setflag(3)
	end
end
