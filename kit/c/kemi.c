/* The library of modules in C: memory, texts, and the canonical ABI of what wit/kemi.wit has. */
#include "kemi.h"

/* Memory of a call: blocks that stay for the next call. The first is enough for most. */
typedef struct block {
  struct block *next;
  uint32_t size;
} block;

static struct {
  block head;
  char bytes[16384];
} first = {{0, sizeof first.bytes}, {0}};
static block *current = &first.head;
static uint32_t used;

/* What is kept is cut from pages of its own. */
static char *kept;
static uint32_t kept_free;

static void *pages(uint32_t size, uint32_t *got) {
  uint32_t count = (size + 65535) >> 16;
  if (size > 0xffff0000u) __builtin_trap();
  int32_t before = (int32_t)__builtin_wasm_memory_grow(0, count);
  if (before < 0) __builtin_trap();
  *got = count << 16;
  return (void *)((uint32_t)before << 16);
}

static uint32_t rounded(uint32_t size) {
  if (size > 0xfffffff0u) __builtin_trap();
  return (size + 7) & ~7u;
}

void *kemi_alloc(uint32_t size) {
  size = rounded(size);
  while (size > current->size - used) {
    if (!current->next) {
      uint32_t got;
      block *more = pages(size + sizeof(block), &got);
      more->next = 0;
      more->size = got - sizeof(block);
      current->next = more;
    }
    current = current->next;
    used = 0;
  }
  void *at = (char *)(current + 1) + used;
  used += size;
  return at;
}

void kemi_release(void) {
  current = &first.head;
  used = 0;
}

void *kemi_keep(uint32_t size) {
  size = rounded(size);
  if (size > kept_free) kept = pages(size, &kept_free);
  void *at = kept;
  kept += size;
  kept_free -= size;
  return at;
}

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, uint32_t old_size, uint32_t align, uint32_t size) {
  (void)align;
  void *at = kemi_alloc(size);
  if (old_size) memcpy(at, old, old_size < size ? old_size : size);
  return at;
}

/* Built in: one instruction each. */
void *memcpy(void *to, const void *from, size_t size) { return memmove(to, from, size); }
void *memmove(void *to, const void *from, size_t size) {
  __asm__("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.copy 0, 0" : : "r"(to), "r"(from), "r"(size) : "memory");
  return to;
}
void *memset(void *to, int byte, size_t size) {
  __asm__("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.fill 0" : : "r"(to), "r"(byte), "r"(size) : "memory");
  return to;
}
int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < size; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

kemi_text kemi_keep_text(kemi_text text) {
  char *at = kemi_keep(text.length);
  memcpy(at, text.at, text.length);
  return (kemi_text){at, text.length};
}

kemi_text kemi_join(kemi_text a, kemi_text b) {
  char *at = kemi_alloc(a.length + b.length);
  memcpy(at, a.at, a.length);
  memcpy(at + a.length, b.at, b.length);
  return (kemi_text){at, a.length + b.length};
}

bool kemi_equal(kemi_text a, kemi_text b) { return a.length == b.length && !memcmp(a.at, b.at, a.length); }

int32_t kemi_find(kemi_text text, kemi_text part) {
  for (uint32_t i = 0; part.length <= text.length && i <= text.length - part.length; i++)
    if (!memcmp(text.at + i, part.at, part.length)) return (int32_t)i;
  return -1;
}

kemi_text kemi_part(kemi_text text, uint32_t from, uint32_t length) {
  if (from > text.length) from = text.length;
  if (length > text.length - from) length = text.length - from;
  return (kemi_text){text.at + from, length};
}

/* The host's functions as the canonical ABI has them: a text is an address and a length, an option or a text comes through `ret`. */
#define HOST(interface, name) __attribute__((import_module("kemi:module/" interface "@0.1.0"), import_name(name)))
#define T(x) x.at, x.length
typedef const char *at_t;

static uint32_t ret[3];

static kemi_text text_of(void) { return (kemi_text){(at_t)ret[0], ret[1]}; }
static bool option_of(kemi_text *value) {
  if (!*(uint8_t *)ret) return false;
  *value = (kemi_text){(at_t)ret[1], ret[2]};
  return true;
}

HOST("message", "header-count") int32_t host_header_count(at_t, uint32_t);
HOST("message", "header") void host_header(at_t, uint32_t, int32_t, uint32_t *);
HOST("message", "header-bytes") void host_header_bytes(at_t, uint32_t, int32_t, uint32_t *);
HOST("message", "pv") void host_pv(at_t, uint32_t, uint32_t *);
HOST("message", "format") void host_format(at_t, uint32_t, uint32_t *);
HOST("message", "body") void host_body(uint32_t *);
HOST("message", "is-request") int32_t host_is_request(void);
HOST("message", "method") void host_method(uint32_t *);
HOST("message", "status") int32_t host_status(void);
HOST("message", "source-ip") void host_source_ip(uint32_t *);
HOST("message", "source-port") int32_t host_source_port(void);
HOST("edit", "append-header") int32_t host_append_header(at_t, uint32_t, at_t, uint32_t);
HOST("edit", "remove-header") int32_t host_remove_header(at_t, uint32_t);
HOST("edit", "append-to-reply") int32_t host_append_to_reply(at_t, uint32_t, at_t, uint32_t);
HOST("edit", "set-pv") int32_t host_set_pv(at_t, uint32_t, at_t, uint32_t);
HOST("edit", "set-body") int32_t host_set_body(at_t, uint32_t, at_t, uint32_t);
HOST("reply", "send") int32_t host_send(int32_t, at_t, uint32_t);
HOST("log", "error") void host_error(at_t, uint32_t);
HOST("log", "warn") void host_warn(at_t, uint32_t);
HOST("log", "info") void host_info(at_t, uint32_t);
HOST("log", "debug") void host_debug(at_t, uint32_t);
HOST("kv", "get") void host_kv_get(at_t, uint32_t, at_t, uint32_t, uint32_t *);
HOST("kv", "set") int32_t host_kv_set(at_t, uint32_t, at_t, uint32_t, at_t, uint32_t, uint32_t);
HOST("kv", "remove") int32_t host_kv_remove(at_t, uint32_t, at_t, uint32_t);
HOST("kv", "add") void host_kv_add(at_t, uint32_t, at_t, uint32_t, int32_t, uint32_t *);
HOST("timer", "after") uint32_t host_after(uint32_t);
HOST("timer", "every") uint32_t host_every(uint32_t);
HOST("timer", "cancel") void host_cancel(uint32_t);
HOST("clock", "now") uint64_t host_now(void);
HOST("clock", "monotonic") uint64_t host_monotonic(void);

int32_t kemi_message_header_count(kemi_text name) { return host_header_count(T(name)); }
bool kemi_message_header(kemi_text name, int32_t index, kemi_text *value) { return host_header(T(name), index, ret), option_of(value); }
bool kemi_message_header_bytes(kemi_text name, int32_t index, kemi_text *value) { return host_header_bytes(T(name), index, ret), option_of(value); }
bool kemi_message_pv(kemi_text name, kemi_text *value) { return host_pv(T(name), ret), option_of(value); }
bool kemi_message_format(kemi_text text, kemi_text *value) { return host_format(T(text), ret), option_of(value); }
kemi_text kemi_message_body(void) { return host_body(ret), text_of(); }
bool kemi_message_is_request(void) { return host_is_request() != 0; }
kemi_text kemi_message_method(void) { return host_method(ret), text_of(); }
int32_t kemi_message_status(void) { return host_status(); }
kemi_text kemi_message_source_ip(void) { return host_source_ip(ret), text_of(); }
int32_t kemi_message_source_port(void) { return host_source_port(); }
bool kemi_edit_append_header(kemi_text name, kemi_text value) { return host_append_header(T(name), T(value)) != 0; }
int32_t kemi_edit_remove_header(kemi_text name) { return host_remove_header(T(name)); }
bool kemi_edit_append_to_reply(kemi_text name, kemi_text value) { return host_append_to_reply(T(name), T(value)) != 0; }
bool kemi_edit_set_pv(kemi_text name, kemi_text value) { return host_set_pv(T(name), T(value)) != 0; }
bool kemi_edit_set_body(kemi_text body, kemi_text content_type) { return host_set_body(T(body), T(content_type)) != 0; }
bool kemi_reply_send(int32_t code, kemi_text reason) { return host_send(code, T(reason)) != 0; }
void kemi_log_error(kemi_text text) { host_error(T(text)); }
void kemi_log_warn(kemi_text text) { host_warn(T(text)); }
void kemi_log_info(kemi_text text) { host_info(T(text)); }
void kemi_log_debug(kemi_text text) { host_debug(T(text)); }
bool kemi_kv_get(kemi_text table, kemi_text key, kemi_text *value) { return host_kv_get(T(table), T(key), ret), option_of(value); }
bool kemi_kv_set(kemi_text table, kemi_text key, kemi_text value, uint32_t ttl_seconds) { return host_kv_set(T(table), T(key), T(value), ttl_seconds) != 0; }
bool kemi_kv_remove(kemi_text table, kemi_text key) { return host_kv_remove(T(table), T(key)) != 0; }
bool kemi_kv_add(kemi_text table, kemi_text key, int32_t by, int32_t *value) {
  host_kv_add(T(table), T(key), by, ret);
  if (!*(uint8_t *)ret) return false;
  *value = (int32_t)ret[1];
  return true;
}
uint32_t kemi_timer_after(uint32_t milliseconds) { return host_after(milliseconds); }
uint32_t kemi_timer_every(uint32_t milliseconds) { return host_every(milliseconds); }
void kemi_timer_cancel(uint32_t id) { host_cancel(id); }
uint64_t kemi_clock_now(void) { return host_now(); }
uint64_t kemi_clock_monotonic(void) { return host_monotonic(); }
