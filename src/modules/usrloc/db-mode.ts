/** modparam db_mode: what the database has to do with the contacts. */

/** nothing */
export const DB_NONE = 0;
/** every change is written before the answer */
export const DB_THROUGH = 1;
/** changes are written later */
export const DB_BACK = 2;
/** it is the only place where they are */
export const DB_ONLY = 3;
/** they are read from it at the start, and never written */
export const DB_READ = 4;
