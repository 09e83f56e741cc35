-- the transaction part of a typical proxy script
function ksr_request_route()
	if KSR.is_CANCEL() then
		if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end
		return 1
	end
	if not KSR.is_ACK() then
		if KSR.tmx.t_precheck_trans() > 0 then
			KSR.tm.t_check_trans()
			return 1
		end
		if KSR.tm.t_check_trans() == 0 then return 1 end
	end
	if KSR.corex.has_ruri_user() < 0 then
		KSR.tm.t_newtran()
		KSR.sl.send_reply(404, "Not Found")
		return 1
	end
	if KSR.is_method_in("IBSU") then
		if KSR.tm.t_is_set("branch_route") < 0 then KSR.tm.t_on_branch("ksr_branch_manage") end
	end
	if KSR.is_method_in("ISU") then
		if KSR.tm.t_is_set("onreply_route") < 0 then KSR.tm.t_on_reply("ksr_onreply_manage") end
	end
	if KSR.is_INVITE() then
		if KSR.tm.t_is_set("failure_route") < 0 then KSR.tm.t_on_failure("ksr_failure_manage") end
	end
	if KSR.tm.t_relay() < 0 then KSR.sl.sl_reply_error() end
	return 1
end

function ksr_branch_manage()
	KSR.dbg("new branch [" .. KSR.pv.get("$T_branch_idx") .. "]\n")
	return 1
end

function ksr_onreply_manage()
	local scode = KSR.kx.get_status()
	if scode > 100 and scode < 299 then return 1 end
	return 1
end

function ksr_failure_manage()
	if KSR.tm.t_is_canceled() > 0 then return 1 end
	return 1
end

function ksr_reply_route()
	KSR.dbg("response\n")
	return 1
end
