/* Client of many event streams; it is not a load generator of requests (that is wrk).
 *
 *   streams PORT PATH STREAMS OPEN_TIMEOUT_SECONDS
 *
 * It opens STREAMS event streams on 127.0.0.1, a few at a time, and prints a JSON line once all
 * of them have got the head of a 200 response. Then it obeys lines on stdin:
 *
 *   run EVENTS TIMEOUT_SECONDS PATH     GET PATH (which makes the server send EVENTS events to
 *                                       every stream), count what arrives, print a JSON line
 *   quit, or end of input               leave
 *
 * A delivery is one line `data: @NNNNNNNNNNNNNNNNNNNN...` on one stream, where N is CLOCK_MONOTONIC
 * of the sender in nanoseconds: the clock is the same in all processes of a machine, so receive
 * time less N is the latency. Everything else on a stream (comments, other events) is read and
 * not counted.
 *
 * The client must cost less than any server. One thread, one epoll, one shared receive buffer;
 * bytes are looked at in place, a line is copied only where a read or a chunk of the transfer
 * coding cuts it. The clock is read once a read. Latencies go into a histogram whose buckets are
 * 1/128 of their value wide.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OPENING_AT_ONCE = 64, HEAD_LIMIT = 8192, READ_SIZE = 131072, EPOLL_BATCH = 512 };
enum { DIGITS = 20, LINE_KEPT = 32 };
enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };
#define AFTER_THE_LAST_NS 100000000ull /* how long to look for events nobody should have sent */

typedef enum { UNUSED, CONNECTING, HEAD, BODY, CLOSED } Phase;
typedef enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END } ChunkPart;

typedef struct {
  int fd;
  Phase phase;
  bool trigger; /* the GET that makes the server send, not a stream */
  bool chunked;
  ChunkPart part;
  uint64_t chunk_left;
  char line[LINE_KEPT]; /* the start of a line that was cut */
  uint32_t line_length; /* its whole length so far */
  char *head;           /* only while the head of the response is incomplete */
  uint32_t head_length;
  int status;
  uint64_t events;
} Connection;

static struct {
  uint16_t port;
  int epoll, streams, open, closed, failed_status;
  uint64_t deliveries, bytes, reads, latest_ns;
  uint64_t histogram[BUCKETS];
} bench;

static char received[READ_SIZE];

static void die(const char *what) {
  fprintf(stderr, "streams: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- latencies -------------------------------------------------------------------------- */

static void note_latency(uint64_t ns) {
  if (ns < SUB) {
    bench.histogram[ns]++;
    return;
  }
  int power = 63 - __builtin_clzll(ns);
  uint64_t within = (ns >> (power - SUB_BITS)) - SUB;
  bench.histogram[(uint64_t)(power - SUB_BITS + 1) * SUB + within]++;
}

static double bucket_middle_ns(int bucket) {
  if (bucket < SUB) return bucket;
  int shift = bucket / SUB - 1;
  return ((double)(bucket % SUB + SUB) + 0.5) * (double)(1ull << shift);
}

static double percentile_ms(double share) {
  uint64_t wanted = (uint64_t)(share * (double)bench.deliveries), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += bench.histogram[bucket];
    if (seen > wanted || (seen == bench.deliveries && seen > 0)) return bucket_middle_ns(bucket) / 1e6;
  }
  return 0;
}

/* ---- from bytes to deliveries ----------------------------------------------------------- */

static void take_line(Connection *connection, const char *line, size_t length, uint64_t now) {
  if (length < 6 + DIGITS || memcmp(line, "data:", 5) != 0) return;
  const char *at = line + 5;
  if (*at == ' ') at++;
  if (*at++ != '@' || length < (size_t)(at - line) + DIGITS) return;
  uint64_t sent = 0;
  for (int digit = 0; digit < DIGITS; digit++) {
    unsigned value = (unsigned)(at[digit] - '0');
    if (value > 9) return;
    sent = sent * 10 + value;
  }
  if (connection->trigger) return;
  connection->events++;
  bench.deliveries++;
  bench.latest_ns = now;
  note_latency(now > sent ? now - sent : 0);
}

static void keep_line(Connection *connection, const char *from, size_t length) {
  if (connection->line_length < LINE_KEPT) {
    size_t room = LINE_KEPT - connection->line_length;
    memcpy(connection->line + connection->line_length, from, length < room ? length : room);
  }
  connection->line_length += (uint32_t)length;
}

static void take_text(Connection *connection, const char *from, size_t length, uint64_t now) {
  const char *end = from + length;
  while (from < end) {
    const char *newline = memchr(from, '\n', (size_t)(end - from));
    if (!newline) {
      keep_line(connection, from, (size_t)(end - from));
      return;
    }
    if (connection->line_length) {
      keep_line(connection, from, (size_t)(newline - from));
      size_t kept = connection->line_length < LINE_KEPT ? connection->line_length : LINE_KEPT;
      take_line(connection, connection->line, kept, now);
      connection->line_length = 0;
    } else {
      take_line(connection, from, (size_t)(newline - from), now);
    }
    from = newline + 1;
  }
}

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 0x20;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* RFC 9112, 7.1. The chunk of size 0 ends the body; trailers then read as chunks of no size. */
static void take_chunks(Connection *connection, const char *from, size_t length, uint64_t now) {
  const char *end = from + length;
  while (from < end) {
    if (connection->part == CHUNK_DATA) {
      size_t here = (size_t)(end - from);
      if (here > connection->chunk_left) here = (size_t)connection->chunk_left;
      take_text(connection, from, here, now);
      from += here;
      connection->chunk_left -= here;
      if (!connection->chunk_left) connection->part = CHUNK_END;
      continue;
    }
    char byte = *from++;
    if (byte == '\n') {
      bool size_known = connection->part != CHUNK_END && connection->chunk_left;
      connection->part = size_known ? CHUNK_DATA : CHUNK_SIZE;
    } else if (connection->part == CHUNK_SIZE) {
      int value = hex_value(byte);
      if (value < 0) connection->part = CHUNK_EXTENSION;
      else connection->chunk_left = connection->chunk_left * 16 + (uint64_t)value;
    }
  }
}

static void take_body(Connection *connection, const char *from, size_t length, uint64_t now) {
  if (connection->chunked) take_chunks(connection, from, length, now);
  else take_text(connection, from, length, now);
}

static void take_head(Connection *connection, const char *from, size_t length, uint64_t now) {
  if (!connection->head) connection->head = malloc(HEAD_LIMIT + 1);
  if (!connection->head) die("malloc");
  size_t before = connection->head_length, room = HEAD_LIMIT - before;
  size_t taken = length < room ? length : room;
  memcpy(connection->head + before, from, taken);
  connection->head_length += (uint32_t)taken;
  connection->head[connection->head_length] = 0;
  char *end = strstr(connection->head, "\r\n\r\n");
  if (!end) {
    errno = EMSGSIZE;
    if (connection->head_length == HEAD_LIMIT) die("the head of a response");
    return;
  }
  *end = 0;
  connection->status = strlen(connection->head) > 12 ? atoi(connection->head + 9) : 0;
  connection->chunked = strcasestr(connection->head, "transfer-encoding: chunked") != NULL;
  connection->phase = BODY;
  size_t head_size = (size_t)(end + 4 - connection->head) - before;
  free(connection->head);
  connection->head = NULL;
  if (!connection->trigger) {
    if (connection->status == 200) bench.open++;
    else bench.failed_status = connection->status ? connection->status : -1;
  }
  take_body(connection, from + head_size, length - head_size, now);
}

/* ---- sockets ---------------------------------------------------------------------------- */

static void watch(Connection *connection, int operation, uint32_t events) {
  struct epoll_event interest = {.events = events, .data.ptr = connection};
  if (epoll_ctl(bench.epoll, operation, connection->fd, &interest)) die("epoll_ctl");
}

static void request(Connection *connection, const char *path) {
  char text[1024];
  int length = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: %s\r\n%s\r\n", path,
                        (unsigned)bench.port, connection->trigger ? "*/*" : "text/event-stream",
                        connection->trigger ? "Connection: close\r\n" : "");
  if (send(connection->fd, text, (size_t)length, MSG_NOSIGNAL) != length) die("send");
  connection->phase = HEAD;
  watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

static void begin(Connection *connection) {
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("socket");
  int yes = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(bench.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
    die("connect");
  connection->phase = CONNECTING;
  watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
}

static void finish(Connection *connection) {
  if (!connection->trigger) {
    bench.closed++;
    if (connection->phase != BODY) bench.failed_status = -1;
  }
  close(connection->fd);
  connection->phase = CLOSED;
}

static void read_some(Connection *connection) {
  ssize_t length = recv(connection->fd, received, sizeof received, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    finish(connection);
    return;
  }
  uint64_t now = now_ns();
  bench.reads++;
  bench.bytes += (uint64_t)length;
  if (connection->phase == HEAD) take_head(connection, received, (size_t)length, now);
  else take_body(connection, received, (size_t)length, now);
}

/* Serves what is ready; says whether there is something to read on stdin. */
static bool turn(int timeout_ms, const char *stream_path, const char *trigger_path) {
  struct epoll_event ready[EPOLL_BATCH];
  bool commanded = false;
  int count = epoll_wait(bench.epoll, ready, EPOLL_BATCH, timeout_ms);
  if (count < 0 && errno != EINTR) die("epoll_wait");
  for (int index = 0; index < count; index++) {
    Connection *connection = ready[index].data.ptr;
    if (!connection) {
      commanded = true;
    } else if (connection->phase == CONNECTING) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
      errno = error;
      if (error) die("connect");
      request(connection, connection->trigger ? trigger_path : stream_path);
    } else if (connection->phase != CLOSED) {
      read_some(connection);
    }
  }
  return commanded;
}

/* ---- the two things it does ------------------------------------------------------------- */

static void open_all(Connection *streams, const char *path, double timeout) {
  uint64_t start = now_ns(), deadline = start + (uint64_t)(timeout * 1e9);
  int begun = 0;
  while (bench.open < bench.streams && !bench.failed_status && now_ns() < deadline) {
    while (begun < bench.streams && begun - bench.open < OPENING_AT_ONCE) begin(&streams[begun++]);
    turn(100, path, NULL);
  }
  printf("{\"streams\": %d, \"open\": %d, \"failed_status\": %d, \"seconds\": %.3f}\n",
         bench.streams, bench.open, bench.failed_status, (double)(now_ns() - start) / 1e9);
  fflush(stdout);
  if (bench.open < bench.streams) exit(1);
}

static void report(Connection *streams, Connection *trigger, uint64_t events, uint64_t start,
                   uint64_t first_reads, uint64_t first_bytes, double cpu, double lasted) {
  int uneven = 0;
  for (int index = 0; index < bench.streams; index++) uneven += streams[index].events != events;
  double seconds = bench.deliveries ? (double)(bench.latest_ns - start) / 1e9 : 0;
  printf("{\"expected\": %llu, \"deliveries\": %llu, \"uneven_streams\": %d, \"closed\": %d, "
         "\"trigger_status\": %d, \"seconds\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, "
         "\"max_ms\": %.4f, \"bytes\": %llu, \"reads\": %llu, \"client_cpu\": %.4f}\n",
         (unsigned long long)(events * (uint64_t)bench.streams),
         (unsigned long long)bench.deliveries, uneven, bench.closed, trigger->status, seconds,
         percentile_ms(0.50), percentile_ms(0.99), percentile_ms(1.0),
         (unsigned long long)(bench.bytes - first_bytes),
         (unsigned long long)(bench.reads - first_reads), lasted > 0 ? cpu / lasted : 0);
  fflush(stdout);
}

static void run(Connection *streams, uint64_t events, double timeout, const char *path) {
  for (int index = 0; index < bench.streams; index++) streams[index].events = 0;
  memset(bench.histogram, 0, sizeof bench.histogram);
  bench.deliveries = 0;
  uint64_t expected = events * (uint64_t)bench.streams;
  uint64_t first_reads = bench.reads, first_bytes = bench.bytes;
  Connection trigger = {.trigger = true};
  double cpu = cpu_seconds();
  uint64_t start = now_ns(), deadline = start + (uint64_t)(timeout * 1e9);
  begin(&trigger);
  while (bench.deliveries < expected && bench.closed < bench.streams && now_ns() < deadline) {
    turn(100, NULL, path);
    if (trigger.status && trigger.status != 200) break;
  }
  double lasted = (double)(now_ns() - start) / 1e9;
  cpu = cpu_seconds() - cpu;
  uint64_t latest = bench.latest_ns, quiet = now_ns() + AFTER_THE_LAST_NS;
  while (now_ns() < quiet || (!trigger.status && trigger.phase != CLOSED && now_ns() < deadline))
    turn(10, NULL, path);
  if (bench.deliveries == expected) bench.latest_ns = latest;
  report(streams, &trigger, events, start, first_reads, first_bytes, cpu, lasted);
  if (trigger.phase != CLOSED) close(trigger.fd);
  free(trigger.head);
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "Usage: streams PORT PATH STREAMS OPEN_TIMEOUT_SECONDS\n");
    return 2;
  }
  bench.port = (uint16_t)atoi(arguments[1]);
  bench.streams = atoi(arguments[3]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  bench.epoll = epoll_create1(EPOLL_CLOEXEC);
  Connection *streams = calloc((size_t)bench.streams, sizeof *streams);
  if (bench.epoll < 0 || !streams) die("start");
  open_all(streams, arguments[2], atof(arguments[4]));
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(bench.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &commands)) die("stdin must be a pipe");
  for (;;) {
    if (!turn(1000, NULL, NULL)) continue;
    char line[1024], path[900];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0) return 0;
    line[length] = 0;
    unsigned long long events;
    double timeout;
    if (sscanf(line, "run %llu %lf %899s", &events, &timeout, path) != 3) return 0;
    run(streams, events, timeout, path);
  }
}
