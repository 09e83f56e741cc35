/*
 * What a module of kemi-wasm in C uses. Functions kemi_<interface>_<function> are those of wit/kemi.wit, which says what they do.
 * Texts have a length and no 0 behind them. What a call gets and what kemi_alloc() gives lives until the call ends; what must live longer: kemi_keep().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const char *at;
  uint32_t length;
} kemi_text;

/* A text of a string constant. */
#define KEMI_TEXT(constant) ((kemi_text){(constant), sizeof(constant) - 1})

/* Memory until the call ends, aligned to 8 bytes; a call that gets no memory fails. */
void *kemi_alloc(uint32_t size);
/* Memory for ever. */
void *kemi_keep(uint32_t size);
/* A copy of a text for ever. */
kemi_text kemi_keep_text(kemi_text text);
/* Texts in a row, until the call ends. */
kemi_text kemi_join(kemi_text a, kemi_text b);
bool kemi_equal(kemi_text a, kemi_text b);
/* Where `part` begins in `text`, -1 when it is not in it. */
int32_t kemi_find(kemi_text text, kemi_text part);
/* length bytes from `from` on, as far as there are such. */
kemi_text kemi_part(kemi_text text, uint32_t from, uint32_t length);

/* The message that is being routed. An option is false for none, and *value what there is. */
int32_t kemi_message_header_count(kemi_text name);
bool kemi_message_header(kemi_text name, int32_t index, kemi_text *value);
bool kemi_message_header_bytes(kemi_text name, int32_t index, kemi_text *value);
bool kemi_message_pv(kemi_text name, kemi_text *value);
bool kemi_message_format(kemi_text text, kemi_text *value);
kemi_text kemi_message_body(void);
bool kemi_message_is_request(void);
kemi_text kemi_message_method(void);
int32_t kemi_message_status(void);
kemi_text kemi_message_source_ip(void);
int32_t kemi_message_source_port(void);

/* Changes of the message: grant edit. */
bool kemi_edit_append_header(kemi_text name, kemi_text value);
int32_t kemi_edit_remove_header(kemi_text name);
bool kemi_edit_append_to_reply(kemi_text name, kemi_text value);
bool kemi_edit_set_pv(kemi_text name, kemi_text value);
bool kemi_edit_set_body(kemi_text body, kemi_text content_type);

/* Answers the request: grant reply. */
bool kemi_reply_send(int32_t code, kemi_text reason);

/* The server's log. */
void kemi_log_error(kemi_text text);
void kemi_log_warn(kemi_text text);
void kemi_log_info(kemi_text text);
void kemi_log_debug(kemi_text text);

/* Tables of module htable: grant kv. */
bool kemi_kv_get(kemi_text table, kemi_text key, kemi_text *value);
bool kemi_kv_set(kemi_text table, kemi_text key, kemi_text value, uint32_t ttl_seconds);
bool kemi_kv_remove(kemi_text table, kemi_text key);
bool kemi_kv_add(kemi_text table, kemi_text key, int32_t by, int32_t *value);

/* Calls on-timer back: grant timer. */
uint32_t kemi_timer_after(uint32_t milliseconds);
uint32_t kemi_timer_every(uint32_t milliseconds);
void kemi_timer_cancel(uint32_t id);

/* Grant clock. */
uint64_t kemi_clock_now(void);
uint64_t kemi_clock_monotonic(void);

/* For what the kit puts between a module and the server. */
void kemi_release(void);

/* clang calls them for copies and the like. */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
