/**
 * Kamailio's tables as a new database gets them: the names, columns, defaults and layout versions of its documentation. Both kinds of stores are made from
 * this list. `acc` and `missed_calls` have the columns that Kamailio's sample configuration adds for its db_extra; `subscriber` has two of ours for
 * SHA-256 (RFC 8760), which Kamailio does not look at.
 */
import type { DbValue } from './db.ts';

export interface Column {
  readonly type: string;
  readonly nullable?: boolean;
  /** absent: a row must bring a value */
  readonly default?: DbValue;
}

export interface TableSchema {
  /** number in Kamailio's table `version` */
  readonly version: number;
  /** besides `id`, which counts by itself */
  readonly columns: Readonly<Record<string, Column>>;
  readonly unique?: readonly (readonly string[])[];
  readonly indexes?: readonly (readonly string[])[];
}

const text = (size: number, fallback = ''): Column => ({ type: `VARCHAR(${size})`, default: fallback });
const required = (type: string): Column => ({ type });
const optional = (type: string): Column => ({ type, nullable: true, default: null });
const int = (fallback = 0): Column => ({ type: 'INTEGER', default: fallback });
const real = (fallback: number): Column => ({ type: 'REAL', default: fallback });
const TIME = 'TIMESTAMP WITHOUT TIME ZONE';
const time = (fallback: string): Column => ({ type: TIME, default: fallback });
const modified = time('2000-01-01 00:00:01');

const accounting: Readonly<Record<string, Column>> = {
  method: text(16),
  from_tag: text(128),
  to_tag: text(128),
  callid: text(255),
  sip_code: text(3),
  sip_reason: text(128),
  time: required(TIME),
  src_user: text(64),
  src_domain: text(128),
  src_ip: text(64),
  dst_ouser: text(64),
  dst_user: text(64),
  dst_domain: text(128),
};

export const TABLES: Readonly<Record<string, TableSchema>> = {
  subscriber: {
    version: 7,
    columns: {
      username: text(64),
      domain: text(64),
      password: text(64),
      ha1: text(128),
      ha1b: text(128),
      ha1_sha256: text(128),
      ha1b_sha256: text(128),
    },
    unique: [['username', 'domain']],
    indexes: [['username']],
  },
  location: {
    version: 9,
    columns: {
      ruid: text(64),
      username: text(64),
      domain: optional('VARCHAR(64)'),
      contact: text(512),
      received: optional('VARCHAR(128)'),
      path: optional('VARCHAR(512)'),
      expires: time('2030-05-28 21:32:15'),
      q: real(1),
      callid: text(255, 'Default-Call-ID'),
      cseq: int(1),
      last_modified: modified,
      flags: int(),
      cflags: int(),
      user_agent: text(255),
      socket: optional('VARCHAR(64)'),
      methods: optional('INTEGER'),
      instance: optional('VARCHAR(255)'),
      reg_id: int(),
      server_id: int(),
      connection_id: int(),
      keepalive: int(),
      partition: int(),
    },
    unique: [['ruid']],
    indexes: [['username', 'domain', 'contact'], ['expires'], ['connection_id'], ['server_id', 'connection_id']],
  },
  location_attrs: {
    version: 1,
    columns: {
      ruid: text(64),
      username: text(64),
      domain: optional('VARCHAR(64)'),
      aname: text(64),
      atype: int(),
      avalue: text(512),
      last_modified: modified,
    },
    indexes: [['username', 'domain', 'ruid'], ['last_modified']],
  },
  acc: { version: 5, columns: accounting, indexes: [['callid']] },
  missed_calls: { version: 4, columns: accounting, indexes: [['callid']] },
  acc_cdrs: {
    version: 2,
    columns: {
      start_time: time('2000-01-01 00:00:00'),
      end_time: time('2000-01-01 00:00:00'),
      duration: real(0),
    },
    indexes: [['start_time']],
  },
  address: {
    version: 6,
    columns: {
      grp: int(1),
      ip_addr: required('VARCHAR(50)'),
      mask: int(32),
      port: { type: 'SMALLINT', default: 0 },
      tag: optional('VARCHAR(64)'),
    },
  },
  trusted: {
    version: 6,
    columns: {
      src_ip: required('VARCHAR(50)'),
      proto: required('VARCHAR(4)'),
      from_pattern: optional('VARCHAR(64)'),
      ruri_pattern: optional('VARCHAR(64)'),
      tag: optional('VARCHAR(64)'),
      priority: int(),
    },
    indexes: [['src_ip']],
  },
  uri: {
    version: 1,
    columns: { username: text(64), domain: text(64), uri_user: text(64), last_modified: modified },
    unique: [['username', 'domain', 'uri_user']],
  },
  domain: {
    version: 2,
    columns: { domain: required('VARCHAR(64)'), did: optional('VARCHAR(64)'), last_modified: modified },
    unique: [['domain']],
  },
  domain_attrs: {
    version: 1,
    columns: {
      did: required('VARCHAR(64)'),
      name: required('VARCHAR(32)'),
      type: required('INTEGER'),
      value: required('VARCHAR(255)'),
      last_modified: modified,
    },
    indexes: [['did', 'name']],
  },
  grp: {
    version: 2,
    columns: { username: text(64), domain: text(64), grp: text(64), last_modified: modified },
    unique: [['username', 'domain', 'grp']],
  },
  re_grp: { version: 1, columns: { reg_exp: text(128), group_id: int() }, indexes: [['group_id']] },
  dbaliases: {
    version: 1,
    columns: { alias_username: text(64), alias_domain: text(64), username: text(64), domain: text(64) },
    indexes: [['alias_username'], ['alias_username', 'alias_domain'], ['username', 'domain']],
  },
  usr_preferences: {
    version: 2,
    columns: {
      uuid: text(64),
      username: text(255, '0'),
      domain: text(64),
      attribute: text(32),
      type: int(),
      value: text(128),
      last_modified: modified,
    },
    indexes: [
      ['uuid', 'attribute'],
      ['username', 'domain', 'attribute'],
    ],
  },
  htable: {
    version: 2,
    columns: { key_name: text(64), key_type: int(), value_type: int(), key_value: text(128), expires: int() },
  },
  dispatcher: {
    version: 4,
    columns: {
      setid: int(),
      destination: text(192),
      flags: int(),
      priority: int(),
      attrs: text(128),
      description: text(64),
    },
  },
};

/** The table that lists the others and their versions. */
export const VERSION_TABLE: TableSchema = {
  version: 1,
  columns: { table_name: required('VARCHAR(32)'), table_version: int() },
  unique: [['table_name']],
};
