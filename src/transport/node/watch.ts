/** Tells when a script or a file it reads has changed. */
import fs from 'node:fs';
import path from 'node:path';
import { watch } from 'chokidar';

export interface Watcher {
  /** Looks at the current list of files from now on; they count as unchanged. */
  refresh(): void;
  close(): Promise<void>;
}

/**
 * @param files gives the absolute paths to look at; they may not exist (yet)
 * @param changed called once for a burst of changes
 * @param debounceMs how long nothing may happen before the files are looked at: an editor or a checkout writes in several steps, and chokidar leaves
 *   out what follows an event within about 50 ms; not below 100
 */
export async function watchFiles(
  files: () => readonly string[],
  changed: () => void,
  debounceMs = 100,
): Promise<Watcher> {
  let wanted = new Set(files());
  let seen = signature(wanted);
  let timer: NodeJS.Timeout | undefined;
  // Folders are watched, not files: editors and config maps replace files by renaming. What an event says does not matter, only that something happened.
  const folders = () => [...new Set([...wanted].map(f => path.dirname(f)))];
  const watcher = watch(folders(), {
    depth: 0,
    ignoreInitial: true,
    ignored: (file, stats) => stats?.isFile() === true && !wanted.has(file),
  });
  const check = () => {
    const now = signature(wanted);
    if (now === seen) return;
    seen = now;
    changed();
  };
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(check, debounceMs);
  });
  // A folder that cannot be watched (too many watches) must not end the server; SIGHUP and ctl reload all the same.
  watcher.on('error', () => {});
  await new Promise<void>(resolve => watcher.once('ready', resolve));
  return {
    refresh() {
      wanted = new Set(files());
      seen = signature(wanted);
      watcher.add([...folders(), ...wanted]);
    },
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

/** Changes when one of the files does. */
function signature(files: ReadonlySet<string>): string {
  return [...files]
    .map(file => {
      const stat = fs.statSync(file, { throwIfNoEntry: false, bigint: true });
      return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : 'absent';
    })
    .join('\n');
}
