/** Components for runtimes that may not compile: core modules as files of their own, and a JavaScript module that imports them and says how they fit together. */
import type { Parts } from './load.ts';

/** What is written: names of files below one folder, and what is in them. */
export type Files = Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;

/**
 * The files of a component that is built ahead of time. `import acme from './acme.js'` gives what `createRuntime({ components: [{ name, component: acme }] })` takes,
 * where an import of a .wasm file gives its compiled module, as in workerd and bundlers for it.
 * @param name of the files
 */
export function aheadOfTime({ plan, modules }: Parts, name: string): Files {
  const core = (i: number) => `${name}.core${modules.length > 1 ? i : ''}.wasm`;
  const imports = modules.map((_, i) => `import core${i} from './${core(i)}';`);
  const list = modules.map((_, i) => `core${i}`).join(', ');
  return {
    [`${name}.js`]: `${imports.join('\n')}\n\nexport default { plan: ${JSON.stringify(plan)}, modules: [${list}] };\n`,
    [`${name}.d.ts`]:
      "import type { Component } from 'kemi-wasm';\ndeclare const component: Component;\nexport default component;\n",
    ...Object.fromEntries(modules.map((bytes, i) => [core(i), bytes])),
  };
}
