/** A SQLite file with the tables that the sample configuration reads, and the users of the scenarios. Names and versions are Kamailio's. */
import { DatabaseSync } from 'node:sqlite';

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

/** Digest users are these; the scenario's mark is part of no name here, since credentials are shared. */
export const USERS: readonly [name: string, password: string][] = [
  ['alice', 'wonderland'],
  ['bob', 'builder'],
  ['carol', 'christmas'],
];

/** an address that need not authenticate */
export const TRUSTED_IP = '127.0.0.3';

export function createDatabase(file: string): void {
  const db = new DatabaseSync(file);
  db.exec(TABLES);
  const version = db.prepare('INSERT INTO version (table_name, table_version) VALUES (?, ?)');
  for (const [name, number] of Object.entries(VERSIONS)) version.run(name, number);
  const user = db.prepare("INSERT INTO subscriber (username, domain, password) VALUES (?, '127.0.0.1', ?)");
  for (const [name, password] of USERS) user.run(name, password);
  db.prepare('INSERT INTO address (grp, ip_addr, mask) VALUES (1, ?, 32)').run(TRUSTED_IP);
  db.close();
}
