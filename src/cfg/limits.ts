/** What reading a config may take, in every direction: no config keeps it busy for ever. */

/** Kamailio's limit */
export const MAX_INCLUDE_DEPTH = 10;
export const MAX_INCLUDES = 1000;
export const MAX_FILE_BYTES = 8 << 20;
export const MAX_DEFINES = 4096;
export const MAX_TOKENS = 2_000_000;
/** defines may use defines, each not itself; a few levels are plenty */
export const MAX_DEFINE_DEPTH = 32;
export const MAX_EXPANSIONS = 200_000;
export const MAX_EXPANDED_BYTES = 64 << 20;
export const MAX_SUBSTITUTIONS = 256;
/** of one pseudo-variable with all in its brackets */
export const MAX_VARIABLE_BYTES = 4096;
/** looked at in vain */
export const MAX_UNCLOSED_BYTES = 64 << 20;
