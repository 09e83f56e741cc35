/** Every module there is, in load order. One row a module. */
import type { AnyModule } from '../kemi/table.ts';
import acc from './acc/index.ts';
import auth from './auth/index.ts';
import authDb from './auth_db/index.ts';
import cfgutils from './cfgutils/index.ts';
import core from './core/index.ts';
import corex from './corex/index.ts';
import counters from './counters/index.ts';
import hdr from './hdr/index.ts';
import htable from './htable/index.ts';
import ipops from './ipops/index.ts';
import jsonrpcs from './jsonrpcs/index.ts';
import kex from './kex/index.ts';
import kx from './kx/index.ts';
import maxfwd from './maxfwd/index.ts';
import nathelper from './nathelper/index.ts';
import permissions from './permissions/index.ts';
import pike from './pike/index.ts';
import pv from './pv/index.ts';
import pvx from './pvx/index.ts';
import registrar from './registrar/index.ts';
import rr from './rr/index.ts';
import sanity from './sanity/index.ts';
import siputils from './siputils/index.ts';
import sl from './sl/index.ts';
import statistics from './statistics/index.ts';
import tcpops from './tcpops/index.ts';
import textops from './textops/index.ts';
import textopsx from './textopsx/index.ts';
import tls from './tls/index.ts';
import tm from './tm/index.ts';
import tmx from './tmx/index.ts';
import usrloc from './usrloc/index.ts';
import uuid from './uuid/index.ts';
import websocket from './websocket/index.ts';
import xhttp from './xhttp/index.ts';
import xlog from './xlog/index.ts';

export const MODULES: readonly AnyModule[] = [
  core,
  pv,
  pvx,
  xlog,
  sl,
  maxfwd,
  kx,
  hdr,
  textops,
  textopsx,
  siputils,
  rr,
  nathelper,
  sanity,
  corex,
  cfgutils,
  ipops,
  htable,
  pike,
  auth,
  authDb,
  permissions,
  statistics,
  counters,
  xhttp,
  jsonrpcs,
  kex,
  uuid,
  tm,
  tmx,
  usrloc,
  registrar,
  acc,
  websocket,
  tls,
  tcpops,
];
