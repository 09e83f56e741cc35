/** From a kamailio.cfg that was read and resolved to options of a runtime. */
import type { ConfigOptions } from '../cfg/resolve.ts';
import { ConfigError, type Diagnostic } from '../errors.ts';
import type { Limits, ModParamSetting, RuntimeOptions } from './options.ts';

/** The options of a config without errors; warnings go to `warn`. @throws ConfigError with all of its diagnostics */
export function usableConfig(
  config: { readonly options: ConfigOptions; readonly diagnostics: readonly Diagnostic[] },
  warn: (warning: Diagnostic) => void,
): ConfigOptions {
  if (config.diagnostics.some(d => d.severity === 'error')) throw new ConfigError(config.diagnostics);
  for (const warning of config.diagnostics) warn(warning);
  return config.options;
}

/** What a config gives to a runtime; what is given beside it comes behind, and so counts where there can be only one. */
export function configured(
  config: ConfigOptions,
  modparams: readonly ModParamSetting[] = [],
  aliases: readonly string[] = [],
  limits: Partial<Limits> = {},
) {
  const { messageBytes, serverHeader, userAgent, forceRport, logPrefix } = config;
  return {
    modules: config.modules,
    modparams: [...config.modparams, ...modparams],
    defines: config.defines,
    aliases: [...config.aliases, ...aliases],
    limits: { ...(messageBytes !== undefined && { messageBytes }), ...limits },
    callbacks: config.callbacks,
    coreParams: config.coreParams,
    engine: config.engine,
    ...(config.source && { config: config.source }),
    ...(serverHeader !== undefined && { serverHeader }),
    ...(userAgent !== undefined && { userAgent }),
    ...(forceRport !== undefined && { forceRport }),
    ...(logPrefix && { logPrefix }),
  } satisfies Partial<RuntimeOptions>;
}
