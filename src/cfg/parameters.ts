/**
 * Kamailio's global parameters: the type of each, and what it means here. All of the manual's are known by name; what has no counterpart here is accepted and says
 * why, so that a config that runs under Kamailio starts.
 */
import { closest } from '../kemi/suggest.ts';

/**
 * int: a number, or a boolean word; bool: the same; string: in quotes; name: a string, or a bare word or path; other: whatever stands on the line.
 */
export type ParameterType = 'int' | 'bool' | 'string' | 'name' | 'other';

export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** why it changes nothing here; undefined: it is applied */
  readonly ignored?: string;
}

const PROCESSES = 'there is one process and no pool of workers';
const TCP = 'TCP here has no such setting';
const TLS = 'TLS here has no such setting';
const SCTP = 'there is no SCTP';
const SYSTEM = 'the system that starts the server sees to it';
const MEMORY = 'memory is managed by the runtime: see the limits';
const LOGGING = 'logs are structured lines on standard output';
const RESOLVER = "names are resolved the machine's way";
const NATIVE = 'routing blocks may be nested 256 deep';
const ABSENT = 'it is not available in this version';
const INTERNAL = 'it is about the inside of Kamailio';

/** type, why it is ignored, names; a name with / behind it has aliases */
const ROWS: readonly (readonly [ParameterType, string | undefined, string])[] = [
  // applied: src/cfg/resolve.ts
  ['int', undefined, 'debug port msg_recv_max_size advertised_port max_while_loops'],
  ['bool', undefined, 'server_signature disable_tls/tls_disable enable_tls/tls_enable'],
  ['string', undefined, 'server_header user_agent_header'],
  ['name', undefined, 'advertised_address'],
  ['string', undefined, 'log_prefix'],
  ['int', undefined, 'log_prefix_mode'],
  [
    'string',
    undefined,
    'kemi.request_route_callback kemi.reply_route_callback kemi.onsend_route_callback kemi.event_route_callback kemi.received_route_callback kemi.pre_routing_callback',
  ],
  ['bool', undefined, 'disable_tcp'],
  [
    'int',
    undefined,
    'tcp_connection_lifetime tcp_connect_timeout tcp_send_timeout tcp_msg_read_timeout tcp_max_connections tcp_accept_iplimit tcp_conn_wq_max tcp_wq_max tcp_crlf_ping tcp_no_connect tcp_accept_no_cl tcp_accept_aliases tcp_keepalive tcp_keepcnt tcp_keepidle tcp_keepintvl tcp_listen_backlog tls_port_no tls_max_connections',
  ],
  // known, with a use of its own in the resolver: a value other than the default is worth a warning
  ['bool', undefined, 'force_rport sip_warning mhomed reply_to_via dns rev_dns/dns_rev_via check_via'],
  ['int', undefined, 'received_route_mode'],
  ['bool', 'no names are looked up for the addresses of the machine', 'auto_aliases/auto_domains'],
  [
    'int',
    PROCESSES,
    'children socket_workers async_workers async_nonblock async_usleep fork_delay modinit_delay wait_worker1_mode wait_worker1_time wait_worker1_usleep udp_receiver_mode route_locks_size',
  ],
  ['string', PROCESSES, 'async_workers_group async_tkv_evcb async_tkv_gname'],
  ['bool', PROCESSES, 'fork'],
  ['name', SYSTEM, 'user/uid group/gid chroot workdir/wdir rundir/run_dir'],
  ['int', SYSTEM, 'exit_timeout/ser_kill_timeout open_files_limit real_time rt_policy rt_prio'],
  [
    'int',
    SYSTEM,
    'rt_timer1_policy/rt_ftimer_policy rt_timer1_prio/rt_fast_timer_prio/rt_ftimer_prio rt_timer2_policy/rt_stimer_policy rt_timer2_prio/rt_stimer_prio',
  ],
  ['bool', SYSTEM, 'disable_core_dump mlock_pages'],
  [
    'int',
    MEMORY,
    'memdbg/mem_dbg memlog/mem_log mem_add_size mem_join mem_safety mem_status_mode mem_summary shm_mem_size/shm/shm_mem pv_buffer_size pv_buffer_slots pv_cache_limit pv_cache_action sql_buffer_size',
  ],
  ['bool', MEMORY, 'shm_force_alloc'],
  ['bool', LOGGING, 'log_stderror'],
  ['int', LOGGING, 'corelog/core_log sip_parser_log latency_log latency_cfg_log verbose_startup log_color'],
  ['string', LOGGING, 'log_name log_engine_type log_engine_data'],
  ['other', LOGGING, 'log_facility'],
  ['int', ABSENT, 'latency_limit_action latency_limit_db latency_limit_cfg'],
  ['int', NATIVE, 'max_recursive_level'],
  ['int', ABSENT, 'max_branches udp_mtu server_id msg_apply_changes_mode rpc_exec_delta sip_parser_mode'],
  ['other', ABSENT, 'udp_mtu_try_proto'],
  ['int', INTERNAL, 'msg_clone_extra_size'],
  ['bool', ABSENT, 'onsend_route_reply local_rport http_reply_parse/http_reply_hack'],
  ['bool', ABSENT, 'phone2tel auto_bind_ipv6 bind_ipv6_link_local'],
  [
    'string',
    ABSENT,
    'xavp_via_params xavp_via_fields xavp_via_reply_params stats_name_separator uri_host_extra_chars version_table',
  ],
  ['string', INTERNAL, 'ipv6_hex_style'],
  ['int', ABSENT, 'pmtu_discovery mcast_ttl ip_free_bind/ipfreebind/ip_nonlocal_bind maxbuffer maxsndbuffer'],
  ['bool', ABSENT, 'mcast_loopback'],
  ['string', ABSENT, 'mcast'],
  ['other', ABSENT, 'tos'],
  [
    'int',
    RESOLVER,
    'dns_cache_del_nonexp/dns_cache_delete_nonexpired dns_cache_rec_pref dns_cache_flags dns_cache_gc_interval dns_cache_init dns_cache_max_ttl dns_cache_mem dns_cache_min_ttl dns_cache_negative_ttl dns_naptr_ignore_rfc dns_retr_no dns_retr_time dns_search_full_match dns_servers_no dns_srv_lb/dns_srv_loadbalancing dns_try_ipv6 dns_try_naptr dns_sctp_pref/dns_sctp_preference dns_tcp_pref/dns_tcp_preference dns_tls_pref/dns_tls_preference dns_udp_pref/dns_udp_preference dns_use_search_list use_dns_cache/dns_use_cache use_dns_failover/dns_use_failover',
  ],
  [
    'int',
    TCP,
    'tcp_accept_haproxy tcp_accept_hep3 tcp_accept_unique tcp_async/tcp_buf_write tcp_check_timer tcp_children tcp_clone_rcvbuf tcp_connection_match tcp_defer_accept tcp_delayed_ack tcp_fd_cache tcp_linger2 tcp_main_threads tcp_msg_data_timeout tcp_rd_buf_size tcp_reuse_port tcp_script_mode tcp_syncnt tcp_wait_data tcp_wq_blk_size',
  ],
  ['other', TCP, 'tcp_accept_protocols tcp_poll_method tcp_source_ipv4 tcp_source_ipv6'],
  ['int', TLS, 'tls_threads_mode tls_connection_match_domain'],
  [
    'int',
    SCTP,
    'disable_sctp enable_sctp sctp_children sctp_socket_rcvbuf/sctp_socket_receive_buffer sctp_socket_sndbuf/sctp_socket_send_buffer sctp_autoclose sctp_send_ttl sctp_send_retries sctp_assoc_tracking sctp_assoc_reuse sctp_max_assocs sctp_srto_initial sctp_srto_max sctp_srto_min sctp_asocmaxrxt sctp_init_max_attempts sctp_init_max_timeo sctp_hbinterval sctp_pathmaxrxt sctp_sack_delay sctp_sack_freq sctp_max_burst',
  ],
  ['int', ABSENT, 'udp4_raw udp4_raw_mtu udp4_raw_ttl'],
  [
    'int',
    ABSENT,
    'dst_blocklist_expire/dst_blocklist_ttl dst_blocklist_gc_interval dst_blocklist_init dst_blocklist_mem use_dst_blocklist',
  ],
];

const BY_NAME = new Map<string, Parameter>();
for (const [type, ignored, names] of ROWS)
  for (const row of names.split(' ')) {
    const [name, ...aliases] = row.split('/') as [string, ...string[]];
    const parameter: Parameter = { name, type, ...(ignored !== undefined && { ignored }) };
    for (const spelling of [name, ...aliases]) if (spelling) BY_NAME.set(spelling, parameter);
  }

/** Parameters whose value has a form of its own; the parser reads them. */
export const STATEMENTS = [
  'listen',
  'socket',
  'alias',
  'domain',
  'loadmodule',
  'loadmodulex',
  'modparam',
  'modparamx',
  'loadpath',
  'mpath',
  'cfgengine',
  'flags',
  'avpflags',
  'coreparam',
] as const;

export const ROUTES = [
  'route',
  'request_route',
  'main_route',
  'failure_route',
  'branch_route',
  'onreply_route',
  'reply_route',
  'onsend_route',
  'event_route',
] as const;

/** Words of routing blocks: no define takes their place. */
const ROUTE_WORDS =
  'if else while switch case default break return exit drop error log forward forward_tcp forward_udp forward_tls force_rport add_rport force_send_socket set_advertised_address set_advertised_port strip strip_tail prefix seturi revert_uri sethost sethostport setuser setuserpass setport setflag resetflag isflagset append_branch myself yes no on off true false enable disable and or not mod eq ne udp tcp tls sctp ws wss';

const KEYWORDS = new Set<string>([...BY_NAME.keys(), ...STATEMENTS, ...ROUTES, ...ROUTE_WORDS.split(' ')]);

export const isKeyword = (word: string): boolean => KEYWORDS.has(word);

/** Numbers that may be negative; Kamailio refuses a sign elsewhere. */
const SIGNED = new Set(
  'debug received_route_mode memdbg memlog mem_join mem_safety mem_status_mode mem_summary corelog sip_parser_log latency_log latency_cfg_log sip_parser_mode ip_free_bind dns_sctp_pref dns_tcp_pref dns_tls_pref dns_udp_pref tcp_connection_lifetime tcp_connect_timeout tcp_script_mode tcp_send_timeout tcp_wait_data tcp_accept_iplimit udp4_raw sctp_max_assocs sctp_hbinterval'.split(
    ' ',
  ),
);
export const maySign = (name: string): boolean => SIGNED.has(name);

/** @param name any of its spellings */
export const parameter = (name: string): Parameter | undefined => BY_NAME.get(name);

export const closestParameter = (name: string): string | undefined => closest(name, [...BY_NAME.keys(), ...STATEMENTS]);

/** yes and the like; undefined for any other word. Lower case only, as in Kamailio. */
export function booleanWord(word: string): 0 | 1 | undefined {
  if (['yes', 'true', 'on', 'enable'].includes(word)) return 1;
  return ['no', 'false', 'off', 'disable'].includes(word) ? 0 : undefined;
}
