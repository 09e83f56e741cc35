/** The package's version; scripts/build.ts checks it against package.json. */
export const VERSION = '0.1.0';
