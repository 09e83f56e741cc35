/** A SQLite file with the tables that the sample configuration reads, and the users of the scenarios. Names and versions are Kamailio's. */
import { DatabaseSync } from 'node:sqlite';
import { LEGS, type LegName } from './wire.ts';

const TABLES = `
CREATE TABLE version (table_name VARCHAR(32) NOT NULL, table_version INTEGER DEFAULT 0 NOT NULL, UNIQUE (table_name));
CREATE TABLE subscriber (id INTEGER PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT '' NOT NULL,
  password VARCHAR(64) DEFAULT '' NOT NULL, ha1 VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL, UNIQUE (username, domain));
CREATE TABLE location (id INTEGER PRIMARY KEY NOT NULL, ruid VARCHAR(64) DEFAULT '' NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL,
  domain VARCHAR(64) DEFAULT NULL, contact VARCHAR(512) DEFAULT '' NOT NULL, received VARCHAR(128) DEFAULT NULL, path VARCHAR(512) DEFAULT NULL,
  expires TIMESTAMP WITHOUT TIME ZONE DEFAULT '2030-05-28 21:32:15' NOT NULL, q REAL DEFAULT 1.0 NOT NULL,
  callid VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL, cseq INTEGER DEFAULT 1 NOT NULL,
  last_modified TIMESTAMP WITHOUT TIME ZONE DEFAULT '2000-01-01 00:00:01' NOT NULL, flags INTEGER DEFAULT 0 NOT NULL, cflags INTEGER DEFAULT 0 NOT NULL,
  user_agent VARCHAR(255) DEFAULT '' NOT NULL, socket VARCHAR(64) DEFAULT NULL, methods INTEGER DEFAULT NULL, instance VARCHAR(255) DEFAULT NULL,
  reg_id INTEGER DEFAULT 0 NOT NULL, server_id INTEGER DEFAULT 0 NOT NULL, connection_id INTEGER DEFAULT 0 NOT NULL,
  keepalive INTEGER DEFAULT 0 NOT NULL, partition INTEGER DEFAULT 0 NOT NULL, UNIQUE (ruid));
CREATE TABLE location_attrs (id INTEGER PRIMARY KEY NOT NULL, ruid VARCHAR(64) DEFAULT '' NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL,
  domain VARCHAR(64) DEFAULT NULL, aname VARCHAR(64) DEFAULT '' NOT NULL, atype INTEGER DEFAULT 0 NOT NULL, avalue VARCHAR(512) DEFAULT '' NOT NULL,
  last_modified TIMESTAMP WITHOUT TIME ZONE DEFAULT '2000-01-01 00:00:01' NOT NULL);
CREATE TABLE address (id INTEGER PRIMARY KEY NOT NULL, grp INTEGER DEFAULT 1 NOT NULL, ip_addr VARCHAR(50) NOT NULL, mask INTEGER DEFAULT 32 NOT NULL,
  port SMALLINT DEFAULT 0 NOT NULL, tag VARCHAR(64));
CREATE TABLE trusted (id INTEGER PRIMARY KEY NOT NULL, src_ip VARCHAR(50) NOT NULL, proto VARCHAR(4) NOT NULL, from_pattern VARCHAR(64) DEFAULT NULL,
  ruri_pattern VARCHAR(64) DEFAULT NULL, tag VARCHAR(64), priority INTEGER DEFAULT 0 NOT NULL);
`;

const VERSIONS = { subscriber: 7, location: 9, location_attrs: 1, address: 6, trusted: 6 };

/** Each scenario has users of its own: alice~scenario~. */
const PASSWORDS = { alice: 'wonderland', bob: 'builder', carol: 'christmas' };

/** what need not authenticate: the address of the leg `stranger` */
const TRUSTED_IP = LEGS.stranger.ip;

/** Kamailio keeps times in SQLite as Julian days. 2040: what is left until then is no number to compare, it is shown as a star. */
const FAR = 2_466_154.5;
const PAST = 2_458_849.5;

/** Bindings that are there before the server starts; the scenario `preloaded-X` has the row X. */
interface Binding {
  leg: LegName;
  expires?: number;
  received?: boolean;
  methods?: number;
  q?: number;
}

const BINDINGS: Record<string, Binding[]> = {
  'preloaded-contact': [{ leg: 'bob' }],
  'preloaded-two-contacts': [
    { leg: 'bob', q: 0.5 },
    { leg: 'carol', q: 0.2 },
  ],
  'preloaded-received': [{ leg: 'bob', received: true }],
  // INVITE, CANCEL, ACK, BYE
  'preloaded-methods': [{ leg: 'bob', methods: 15 }],
  'preloaded-expired': [{ leg: 'bob', expires: PAST }],
  'preloaded-refresh': [{ leg: 'bob' }],
  'preloaded-cseq-too-low': [{ leg: 'bob' }],
  'preloaded-and-another': [{ leg: 'bob' }],
  'preloaded-star': [{ leg: 'bob' }],
};

/**
 * @param marks names of the scenarios that will run  @param base port of the server
 */
export function createDatabase(file: string, marks: readonly string[], base: number): void {
  const db = new DatabaseSync(file);
  db.exec(TABLES);
  const version = db.prepare('INSERT INTO version (table_name, table_version) VALUES (?, ?)');
  for (const [name, number] of Object.entries(VERSIONS)) version.run(name, number);
  db.prepare('INSERT INTO address (grp, ip_addr, mask) VALUES (1, ?, 32)').run(TRUSTED_IP);
  const user = db.prepare("INSERT INTO subscriber (username, domain, password) VALUES (?, '127.0.0.1', ?)");
  const binding = db.prepare(
    `INSERT INTO location (ruid, username, contact, received, q, callid, cseq, expires, methods, socket, user_agent)
     VALUES (?, ?, ?, ?, ?, ?, 10, ?, ?, ?, 'preloaded')`,
  );
  db.exec('BEGIN');
  for (const mark of marks) {
    for (const [name, password] of Object.entries(PASSWORDS)) user.run(`${name}~${mark}~`, password);
    for (const b of BINDINGS[mark] ?? []) {
      const address = `${LEGS[b.leg].ip}:${base + LEGS[b.leg].port}`;
      binding.run(
        `uloc-${mark}-${b.leg}`,
        `bob~${mark}~`,
        `sip:${b.leg}~${mark}~@${b.received ? '192.168.1.7:5060' : address}`,
        b.received ? `sip:${address}` : null,
        b.q ?? -1,
        `preloaded~${mark}~`,
        b.expires ?? FAR,
        b.methods ?? null,
        `udp:127.0.0.1:${base}`,
      );
    }
  }
  db.exec('COMMIT');
  db.close();
}
