/** What modparams of `tls` and options say of TLS, as the transport takes it. */
import path from 'node:path';
import type { ConfigOptions } from '../../cfg/resolve.ts';
import { settingsOf } from '../../cfg/tls-profiles.ts';
import { KemiError } from '../../errors.ts';
import type { ModParamSetting } from '../../runtime/options.ts';
import type { TcpLimits } from './tcp-options.ts';
import type { TlsSource } from './tls-context.ts';

/** PEM files */
export interface TlsFiles {
  /** the certificate, with those that lead to its CA behind it */
  readonly certificate?: string;
  /** its key; absent: in the same file */
  readonly privateKey?: string;
  /** CAs that certificates of peers lead to */
  readonly caList?: string;
}

/** The values of module tls, the last of several. */
const valuesOf = (modparams: readonly ModParamSetting[]): Record<string, unknown> =>
  Object.fromEntries(modparams.filter(p => p.module === 'tls').map(p => [p.name, p.value]));

/**
 * Where certificates come from.
 * @param config of which files are named relatively  @param files win over modparams
 * @throws KemiError KEMI_ERR_CONFIG a value makes no sense, or there are two answers
 */
export function tlsSource(
  modparams: readonly ModParamSetting[],
  config: ConfigOptions | undefined,
  files: TlsFiles = {},
): TlsSource {
  const values = valuesOf(modparams);
  const settings = settingsOf(values);
  if (typeof settings === 'string') throw new KemiError('KEMI_ERR_CONFIG', `Cannot use ${settings}`);
  const given = Object.fromEntries(
    Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, path.resolve(file)]])),
  );
  const named = typeof values.config === 'string' && values.config !== '' ? values.config : undefined;
  if (named !== undefined && Object.keys(given).length > 0)
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot take certificates from the command line: modparam tls.config says ${named}; give one of the two`,
    );
  // a key of its own goes with its certificate, not with one that was given in its place
  const { privateKey: _key, ...others } = settings;
  const base = given.certificate === undefined ? settings : others;
  const [main] = config?.files ?? [];
  return {
    settings: { ...base, ...given },
    ...(named !== undefined && { config: named }),
    ...(main !== undefined && { folder: path.dirname(main) }),
  };
}

/** How long a TLS connection may take for its first byte. */
export function tlsIdle(modparams: readonly ModParamSetting[]): Partial<TcpLimits> {
  const { connection_timeout: seconds } = valuesOf(modparams);
  if (typeof seconds !== 'number') return {};
  return { tlsIdleMs: seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000 };
}
