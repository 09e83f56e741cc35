/** Modules in Rust: cargo for wasm32-unknown-unknown, with the crate wit-bindgen, which leaves the module's world in what it makes. */
import fs from 'node:fs';
import path from 'node:path';
import type { Project } from './project.ts';
import { KitError, runProgram } from './tools.ts';
import { componentOfCore, writeWit } from './wit.ts';

const TARGET = 'wasm32-unknown-unknown';

/** @throws KitError with what cargo says */
export async function buildRust(project: Project): Promise<Uint8Array> {
  // src/lib.rs reads it
  writeWit(project);
  const folder = path.join(project.build, 'target');
  try {
    runProgram(
      'cargo',
      ['build', '--release', '--quiet', '--target', TARGET, '--target-dir', folder],
      project.dir,
      'https://rustup.rs installs it',
    );
  } catch (error) {
    if (error instanceof KitError && /can't find crate for `(core|std)`/.test(error.message))
      throw new KitError(`Rust's target ${TARGET} is not installed: rustup target add ${TARGET}`, { cause: error });
    throw error;
  }
  const file = path.join(folder, TARGET, 'release', `${project.ksr}.wasm`);
  if (!fs.existsSync(file))
    throw new KitError(
      `cargo made no ${file}: Cargo.toml needs [package] name = "${project.name}" and [lib] crate-type = ["cdylib"]`,
    );
  return componentOfCore(fs.readFileSync(file), project);
}
