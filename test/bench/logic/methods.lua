-- Questions about method and kind, flags, routes that call routes. Nothing is sent.
local FLT_ACC = 1
local FLT_NATS = 5

local function within_dialog()
	if KSR.siputils.has_totag() < 0 then return end
	if KSR.is_BYE() then
		KSR.setflag(FLT_ACC)
	end
	KSR.x.exit()
end

local function nat()
	if KSR.isflagset(FLT_NATS) then return end
	if KSR.is_REGISTER() then return end
	KSR.setflag(FLT_NATS)
end

local function by_method()
	if KSR.is_CANCEL() or KSR.is_ACK() then
		return -1
	elseif KSR.is_REGISTER() then
		return 2
	elseif KSR.is_method_in("SPN") then
		return 3
	elseif KSR.is_INVITE() then
		KSR.setflag(FLT_ACC)
		return 4
	end
	return 5
end

function ksr_request_route()
	within_dialog()
	nat()
	local kind = by_method()
	if kind < 0 then
		KSR.x.exit()
	end
	if kind == 4 then
		if KSR.isflagset(FLT_ACC) and KSR.isflagset(FLT_NATS) and KSR.siputils.is_request() > 0 then
			KSR.setflag(7)
		end
	elseif kind == 3 then
		KSR.resetflag(FLT_NATS)
	end
	if KSR.isflagset(7) then
		KSR.resetflag(7)
	end
end
