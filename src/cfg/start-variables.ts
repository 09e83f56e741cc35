/** Variables in the arguments of loadmodulex and modparamx: those that have a value before anything runs. */
import type { ByteStr } from '../core/memory.ts';

const VARIABLE = /\$\$|\$(?:(\w+)\((\w+)\)|\((\w+)\((\w+)\)\)|[\w(]\S{0,20})?/g;

/**
 * @param value the value of $env(NAME), $def(NAME) or $defv(NAME); undefined when it has none
 * @returns the text with its variables replaced
 * @throws Error naming the variable that has no value
 */
export function evaluateText(text: ByteStr, value: (variable: string, name: string) => ByteStr | undefined): ByteStr {
  return text.replace(VARIABLE, (whole, plain, name, bracketed, bracketedName) => {
    if (whole === '$$' || whole === '$') return '$';
    const variable: string | undefined = plain ?? bracketed;
    const known = variable && ['env', 'def', 'defv'].includes(variable);
    const found = known ? value(variable, name ?? bracketedName) : undefined;
    if (found === undefined)
      throw new Error(
        known
          ? `${whole} has no value`
          : `"${whole}" has no value when the config is read: $env(NAME), $def(NAME) and $defv(NAME) have`,
      );
    return found;
  });
}
