/** Compiled modules, as workerd and bundlers give them. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
