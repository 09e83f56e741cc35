# For workerd, from the package's folder: npx workerd serve examples/worker/config.capnp
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .sip),
    # registrations
    (name = "data", disk = (path = "examples/worker/data", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);

const sip :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "route.lua", text = embed "route.lua"),
    (name = "kemi-wasm.js", esModule = embed "../../build/kemi-wasm.js"),
    (name = "core.wasm", wasm = embed "../../build/core.wasm"),
    (name = "lua.wasm", wasm = embed "../../build/lua.wasm"),
  ],
  compatibilityDate = "2026-10-01",
  bindings = [
    (name = "SIP", durableObjectNamespace = "SipObject"),
    (name = "TOKEN", fromEnvironment = "TOKEN"),
    (name = "SIP_PASSWORD", fromEnvironment = "SIP_PASSWORD"),
  ],
  durableObjectNamespaces = [(className = "SipObject", uniqueKey = "kemi-wasm-sip", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
);
