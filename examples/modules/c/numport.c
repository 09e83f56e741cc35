/* Number portability: which carrier has a number, by its longest known prefix. */
#include "numport.h"

typedef struct entry {
  struct entry *next;
  kemi_text prefix, carrier;
} entry;

static entry *entries;

/* modparam("numport", "entry", "4930=>carrier-a"): numbers that begin with 4930 are carrier-a's. */
bool numport_configure(kemi_text name, kemi_text value, kemi_text *error) {
  *error = KEMI_TEXT("there is no such parameter, only entry");
  if (!kemi_equal(name, KEMI_TEXT("entry"))) return false;
  int32_t at = kemi_find(value, KEMI_TEXT("=>"));
  *error = kemi_join(value, KEMI_TEXT(" is not PREFIX=>CARRIER"));
  if (at < 1 || at + 2 == (int32_t)value.length) return false;
  entry *one = kemi_keep(sizeof *one);
  *one = (entry){entries, kemi_keep_text(kemi_part(value, 0, at)), kemi_keep_text(kemi_part(value, at + 2, value.length))};
  entries = one;
  return true;
}

/* The carrier of a number; nil when it is nobody's. */
bool numport_lookup(kemi_text number, kemi_text *value) {
  const entry *best = 0;
  for (const entry *e = entries; e; e = e->next)
    if (kemi_equal(kemi_part(number, 0, e->prefix.length), e->prefix) && (!best || e->prefix.length > best->prefix.length))
      best = e;
  if (best) *value = best->carrier;
  return best != 0;
}

/* Looks up the number in header X-Number, and appends X-Carrier. 1, or -1 when there is no number, or it is nobody's. */
int32_t numport_mark(void) {
  kemi_text number, carrier;
  if (!kemi_message_header(KEMI_TEXT("X-Number"), 0, &number) || !numport_lookup(number, &carrier)) return -1;
  if (!kemi_edit_append_header(KEMI_TEXT("X-Carrier"), carrier)) return -1;
  kemi_log_debug(kemi_join(number, kemi_join(KEMI_TEXT(" is with "), carrier)));
  return 1;
}
