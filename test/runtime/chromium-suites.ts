/** The suites inside of a page: the report stands in window.report when they are done. */
import * as api from '../../src/index.ts';
import { loadWasm } from '../../src/transport/browser/index.ts';
import { componentContract } from './contract/components.ts';
import { runtimeHostContract } from './contract/runtime-host.ts';
import { type Report, runSuites } from './contract/suite.ts';

const wasm = await loadWasm(new URL('/build/', location.href));
const version = /Chrom(?:e|ium)\/([\d.]+)/.exec(navigator.userAgent)?.[1] ?? '';
const bytes = new Uint8Array(await (await fetch('/numport.wasm')).arrayBuffer());
const numport = await api.loadComponent(bytes, 'numport.wasm');
const suites = await runSuites([
  ...runtimeHostContract({ api, wasm }),
  componentContract({ api, wasm, numport, built: 'compiled here' }),
]);
const report: Report = { runtime: `Chromium ${version}`, suites };
Object.assign(globalThis, { report });
