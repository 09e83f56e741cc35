/** The suites inside of a page: the report stands in window.report when they are done. */
import * as api from '../../src/index.ts';
import { loadWasm } from '../../src/transport/browser/index.ts';
import { runtimeHostContract } from './contract/runtime-host.ts';
import { type Report, runSuites } from './contract/suite.ts';

const wasm = await loadWasm(new URL('/build/', location.href));
const version = /Chrom(?:e|ium)\/([\d.]+)/.exec(navigator.userAgent)?.[1] ?? '';
const report: Report = { runtime: `Chromium ${version}`, suites: await runSuites(runtimeHostContract({ api, wasm })) };
Object.assign(globalThis, { report });
