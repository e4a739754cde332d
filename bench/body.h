/* From the bytes of a response's body to its lines, in place: chunked transfer coding is taken off,
 * and a line is copied only where a read or a chunk cuts it. It knows nothing of sockets.
 *
 * Whoever includes it defines `take_line`, which is called with each line, its first LINE_KEPT bytes
 * at least.
 */
#ifndef BENCH_BODY_H
#define BENCH_BODY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LINE_KEPT = 32 };

typedef enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END } ChunkPart;

typedef struct {
  bool chunked;
  ChunkPart part;
  uint64_t chunk_left;
  char line[LINE_KEPT]; /* the start of a line that was cut */
  uint32_t line_length; /* its whole length so far */
} Body;

typedef struct Connection Connection;

static void take_line(Connection *connection, const char *line, size_t length, uint64_t now);

static inline void keep_line(Body *body, const char *from, size_t length) {
  if (body->line_length < LINE_KEPT) {
    size_t room = LINE_KEPT - body->line_length;
    memcpy(body->line + body->line_length, from, length < room ? length : room);
  }
  body->line_length += (uint32_t)length;
}

static inline void take_text(Connection *whose, Body *body, const char *from, size_t length,
                             uint64_t now) {
  const char *end = from + length;
  while (from < end) {
    const char *newline = memchr(from, '\n', (size_t)(end - from));
    if (!newline) {
      keep_line(body, from, (size_t)(end - from));
      return;
    }
    if (body->line_length) {
      keep_line(body, from, (size_t)(newline - from));
      take_line(whose, body->line, body->line_length < LINE_KEPT ? body->line_length : LINE_KEPT,
                now);
      body->line_length = 0;
    } else {
      take_line(whose, from, (size_t)(newline - from), now);
    }
    from = newline + 1;
  }
}

static inline int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 0x20;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* RFC 9112, 7.1. The chunk of size 0 ends the body; trailers then read as chunks of no size. */
static inline void take_chunks(Connection *whose, Body *body, const char *from, size_t length,
                               uint64_t now) {
  const char *end = from + length;
  while (from < end) {
    if (body->part == CHUNK_DATA) {
      size_t here = (size_t)(end - from);
      if (here > body->chunk_left) here = (size_t)body->chunk_left;
      take_text(whose, body, from, here, now);
      from += here;
      body->chunk_left -= here;
      if (!body->chunk_left) body->part = CHUNK_END;
      continue;
    }
    char byte = *from++;
    if (byte == '\n') {
      body->part = body->part != CHUNK_END && body->chunk_left ? CHUNK_DATA : CHUNK_SIZE;
    } else if (body->part == CHUNK_SIZE) {
      int value = hex_value(byte);
      if (value < 0) body->part = CHUNK_EXTENSION;
      else body->chunk_left = body->chunk_left * 16 + (uint64_t)value;
    }
  }
}

static inline void take_body(Connection *whose, Body *body, const char *from, size_t length,
                             uint64_t now) {
  if (body->chunked) take_chunks(whose, body, from, length, now);
  else take_text(whose, body, from, length, now);
}

#endif
