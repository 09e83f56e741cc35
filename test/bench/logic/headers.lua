-- Headers looked at, added and taken away, a log line that is not wanted. Nothing is sent.
function ksr_request_route()
	KSR.xlog.xdbg("$rm from $fu to $ru by $si:$sp")
	if KSR.hdr.is_present("X-Forbidden") > 0 then
		KSR.x.exit()
	end
	KSR.hdr.remove("Route")
	KSR.hdr.remove("X-Trace")
	if KSR.hdr.is_present("Subject") < 0 then
		KSR.hdr.append("X-Seen: yes\r\n")
	end
	if string.find(KSR.pv.gete("$ct"), "transport=tcp", 1, true) then
		KSR.setflag(3)
	end
	if string.find(KSR.pv.gete("$hdr(Allow)"), "UPDATE", 1, true) then
		KSR.setflag(4)
	end
end
