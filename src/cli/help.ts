/** What --help prints. */
import { limitsHelp } from './usage.ts';

export const HELP = {
  '': `Runs Kamailio's KEMI routing scripts.

usage: kemi-wasm COMMAND [OPTIONS] [ARGUMENTS]

  run [SCRIPT]          serve a script; without one, the built-in examples/basic.lua
  check SCRIPT...       say what is wrong with scripts, or with a kamailio.cfg (-f), without running a server
  ctl METHOD [ARGS...]  command a server that runs
  user add|rm|passwd|list  who may authenticate
  module new|build|test    extension modules in AssemblyScript, JavaScript, C or Rust

  --help                this text; after a command, its options
  --version             the version

Exit codes: 0 all is well, 1 it failed, 2 the command line makes no sense.
`,
  run: `Serves a script over UDP, TCP, TLS and WebSocket.

usage: kemi-wasm run [OPTIONS] [SCRIPT]

  -f FILE                      serve as this kamailio.cfg says: addresses, modules, parameters, script
  -c                           only check the config and the script, as kemi-wasm check does
  -L PATH                      accepted and ignored: modules are part of the program
  --listen PROTOCOL:HOST[:PORT]
                               listen there with udp, tcp, tls, ws or wss; may be given several times. IPv6 in brackets. Default: what the config
                               says, else port 5060 of each IPv4 address of this machine: UDP for a script alone,
                               UDP and TCP without one
  --alias HOST[:PORT]          a name of this server (is_myself); may be given several times
  -A NAME[=VALUE]              define a name; may be given several times
  --module [NAME=]FILE.wasm    load a WebAssembly component as module NAME; may be given several times. Default: the file's name
  --grant NAME=WHAT[,WHAT...]  what component NAME may use besides message and log: edit, reply, kv, timer, clock
  --modparam MODULE:NAME=VALUE set a module parameter; may be given several times
  --limits NAME=N[,NAME=N...]  instructions, load (instructions), memory (MiB), message (bytes), messages, transactions,
                               wait (ms), shared (MiB that workers share)
                               default: ${limitsHelp()}
  --db FILE                    keep subscribers, locations and the like in this SQLite file: db_url of the modules that
                               have one. It is made when it is not there
  --workers N                  threads that route on the same UDP ports, 1 to 64; auto: as many as there are processors; cfg: what
                               the config says with children=N. Default: 1
  --ws-origin SCHEME://HOST[:PORT]
                               pages of there may open a WebSocket on ws: and wss: addresses; may be given several
                               times, * for all. Default: pages of the same host and of this machine
  --tls-cert FILE              PEM certificate for TLS, the ones that lead to its CA behind it
  --tls-key FILE               PEM file of its key, when that is not in the same file
  --tls-ca FILE                PEM file of the CAs that certificates of peers lead to
  --watch                      reload when the script or a file it required changes
  --log-level LEVEL            trace, debug, info, warn, error, fatal or silent; default: info
  --log-format FORMAT          pretty or json; default: pretty on a terminal, else json
  --ctl PATH                   the control socket; default: kemi-wasm/ctl.sock in $XDG_RUNTIME_DIR, or in the temporary
                               folder
  --no-ctl                     no control socket
  --rpc-http [HOST:]PORT       JSON-RPC over HTTP POST, without a password: a loopback address unless HOST says otherwise

Ctrl-C or SIGTERM: takes no more messages, lets routes end (5 s at most), exits 0. A second one exits at once. SIGHUP: reloads.
`,
  check: `Says what is wrong with scripts: they are parsed, their top level runs, their callbacks and their uses of KSR are
looked at. Nothing is routed, no socket is opened.

usage: kemi-wasm check [OPTIONS] SCRIPT...
       kemi-wasm check [OPTIONS] -f kamailio.cfg

  -f FILE                      a kamailio.cfg: it, what it includes, and its scripts
  --format FORMAT              text (file:line:column: severity: message) or json; default: text
  -A NAME[=VALUE]              define a name, as for run
  --modparam MODULE:NAME=VALUE set a module parameter, as for run
  --limits NAME=N[,NAME=N...]  limits, as for run
  --db FILE                    as for run; the database itself is not touched

Exit code 1 when there is an error; warnings are no error.
`,
  ctl: `Calls a command of a server that runs on this machine. Each argument that reads as JSON is JSON, any other is a string.

usage: kemi-wasm ctl [OPTIONS] METHOD [ARGS...]

  --ctl PATH                   the server's control socket, as given to run
  --timeout SECONDS            how long to wait for the answer; default: 10
  --format FORMAT              text or json; default: text, which prints strings bare and one item of a list per line

  kemi-wasm ctl system.listMethods          all commands
  kemi-wasm ctl stats.get_statistics all    counters
  kemi-wasm ctl app_lua.reload              reload the script
`,
  user: `Says who may authenticate: the subscribers in the database of run --db. A server that runs sees changes at once.

usage: kemi-wasm user add NAME@DOMAIN --db FILE
       kemi-wasm user passwd NAME@DOMAIN --db FILE
       kemi-wasm user rm NAME@DOMAIN --db FILE
       kemi-wasm user list --db FILE

  --db FILE                    the SQLite file, or a sqlite:// URL; add makes it when it is not there
  --plain                      keep the password itself, too: for scripts with modparam auth_db calculate_ha1
  --format FORMAT              of list: text (one a line) or json; default: text

The password is asked for twice, or is the first line of what is piped in. It is never shown; only hashes of it are kept.
`,
  module: `Makes, builds and tests extension modules: WebAssembly components that run --module loads.

usage: kemi-wasm module new NAME --lang LANGUAGE [--dir DIR]
       kemi-wasm module build [--ahead] [DIR]
       kemi-wasm module test [DIR]

  new NAME                     make a folder with a module that works, to be changed
    --lang LANGUAGE            assemblyscript, javascript, c or rust
    --dir DIR                  the folder; default: NAME
  build                        make NAME.wasm of the module in DIR; default: the folder at hand
    --ahead                    and dist/, for runtimes that may not compile: workers on the edge
  test                         call it as DIR/NAME.test.js says; exit code 1 when something else comes out

Compilers are not part of this program. What is missing is named, with the line that installs it.
`,
} as const;

export type Command = Exclude<keyof typeof HELP, ''>;
