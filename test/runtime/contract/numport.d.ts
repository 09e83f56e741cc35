/** examples/modules/assemblyscript as kemi-wasm module build --ahead makes it, among the modules of a worker. */
declare module 'numport.js' {
  const component: import('../../../src/index.ts').Component;
  export default component;
}
