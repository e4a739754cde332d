/* Client of many event streams; it is not a load generator of requests.
 *
 *   streams PORT PATH STREAMS OPEN_TIMEOUT_SECONDS [AT_ONCE]
 *
 * It opens STREAMS event streams on 127.0.0.1, AT_ONCE (64) at a time, and prints a JSON line once
 * all of them have got the head of a 200 response. `{stream}` in PATH is the number of the stream.
 * Then it obeys lines on stdin:
 *
 *   run EVENTS TIMEOUT_SECONDS PATH     GET PATH (which makes the server send EVENTS events to
 *                                       every stream), count what arrives, print a JSON line
 *   repeat EVENTS TIMEOUT_SECONDS PATH SECONDS    the same again and again, without a pause, until
 *                                       SECONDS have passed; one JSON line for all
 *   gaps EVENTS TIMEOUT_SECONDS PATH    as run, and measure the time between two deliveries on the
 *                                       same stream
 *   watch EVENTS TIMEOUT_SECONDS        print a JSON line, count what arrives although nobody asked
 *                                       this server for it, print a JSON line
 *   quit, or end of input               leave
 *
 * A delivery is one line `data: @NNNNNNNNNNNNNNNNNNNN...` on one stream, where N is CLOCK_MONOTONIC
 * of the sender in nanoseconds: the clock is the same in all processes of a machine, so receive
 * time less N is the latency. Everything else on a stream (comments, other events) is read and
 * not counted.
 *
 * The client must cost less than any server. One thread, one epoll, one shared receive buffer;
 * bytes are looked at in place. The clock is read once a read.
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
#include <unistd.h>

#include "body.h"
#include "latency.h"

enum { HEAD_LIMIT = 8192, READ_SIZE = 131072, EPOLL_BATCH = 512, PATH_LIMIT = 900, DIGITS = 20 };
#define AFTER_THE_LAST_NS 100000000ull /* how long to look for events nobody should have sent */

typedef enum { UNUSED, CONNECTING, HEAD, BODY, CLOSED } Phase;

struct Connection {
  int fd;
  Phase phase;
  bool trigger; /* the GET that makes the server send, not a stream */
  int status;
  Body body;
  char *head; /* only while the head of the response is incomplete */
  uint32_t head_length;
  uint64_t events, latest_ns;
};

/* What was used up to a moment, for the difference to a later one. */
typedef struct {
  uint64_t at_ns, reads, bytes;
  double cpu;
} Mark;

static struct {
  uint16_t port;
  const char *stream_path, *trigger_path;
  Connection *all;
  int epoll, streams, at_once, open, closed, failed_status;
  uint64_t bytes, reads, latest_ns;
  bool wants_gaps;
} bench;

static Times latencies, gaps;
static char received[READ_SIZE];

static void die(const char *what) {
  fprintf(stderr, "streams: %s: %s\n", what, strerror(errno));
  exit(1);
}

static Mark mark(void) {
  return (Mark){.at_ns = now_ns(), .reads = bench.reads, .bytes = bench.bytes, .cpu = cpu_seconds()};
}

static double core_share_since(const Mark *start) {
  uint64_t lasted = now_ns() - start->at_ns;
  return lasted ? (cpu_seconds() - start->cpu) * 1e9 / (double)lasted : 0;
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
  bench.latest_ns = now;
  if (bench.wants_gaps) {
    if (connection->latest_ns) note_time(&gaps, now - connection->latest_ns);
    connection->latest_ns = now;
  }
  note_time(&latencies, now > sent ? now - sent : 0);
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
  connection->body.chunked = strcasestr(connection->head, "transfer-encoding: chunked") != NULL;
  connection->phase = BODY;
  size_t head_size = (size_t)(end + 4 - connection->head) - before;
  free(connection->head);
  connection->head = NULL;
  if (!connection->trigger) {
    if (connection->status == 200) bench.open++;
    else bench.failed_status = connection->status ? connection->status : -1;
  }
  take_body(connection, &connection->body, from + head_size, length - head_size, now);
}

/* ---- sockets ---------------------------------------------------------------------------- */

static void watch(Connection *connection, int operation, uint32_t events) {
  struct epoll_event interest = {.events = events, .data.ptr = connection};
  if (epoll_ctl(bench.epoll, operation, connection->fd, &interest)) die("epoll_ctl");
}

/* Writes the path of a stream, in which `{stream}` is its number. */
static void write_path(char *path, const Connection *connection) {
  const char *place = strstr(bench.stream_path, "{stream}");
  if (!place) {
    snprintf(path, PATH_LIMIT, "%s", bench.stream_path);
    return;
  }
  snprintf(path, PATH_LIMIT, "%.*s%d%s", (int)(place - bench.stream_path), bench.stream_path,
           (int)(connection - bench.all), place + strlen("{stream}"));
}

static void request(Connection *connection) {
  char text[PATH_LIMIT + 200], path[PATH_LIMIT];
  if (connection->trigger) snprintf(path, sizeof path, "%s", bench.trigger_path);
  else write_path(path, connection);
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
  else take_body(connection, &connection->body, received, (size_t)length, now);
}

/* Serves what is ready; says whether there is something to read on stdin. */
static bool turn(int timeout_ms) {
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
      request(connection);
    } else if (connection->phase != CLOSED) {
      read_some(connection);
    }
  }
  return commanded;
}

/* ---- the things it does ----------------------------------------------------------------- */

static void open_all(double timeout) {
  Mark start = mark();
  uint64_t deadline = start.at_ns + (uint64_t)(timeout * 1e9);
  int begun = 0;
  while (bench.open < bench.streams && !bench.failed_status && now_ns() < deadline) {
    while (begun < bench.streams && begun - bench.open < bench.at_once) begin(&bench.all[begun++]);
    turn(100);
  }
  printf("{\"streams\": %d, \"open\": %d, \"failed_status\": %d, \"seconds\": %.6f, "
         "\"client_cpu\": %.4f}\n",
         bench.streams, bench.open, bench.failed_status, (double)(now_ns() - start.at_ns) / 1e9,
         core_share_since(&start));
  fflush(stdout);
  if (bench.open < bench.streams) exit(1);
}

static void forget_counts(void) {
  for (int index = 0; index < bench.streams; index++)
    bench.all[index].events = bench.all[index].latest_ns = 0;
  memset(&latencies, 0, sizeof latencies);
  memset(&gaps, 0, sizeof gaps);
}

/* `events` is what every stream should have got. Moments are of CLOCK_MONOTONIC. */
static void report(const Mark *start, uint64_t events, int bursts, int status, double share) {
  int uneven = 0;
  for (int index = 0; index < bench.streams; index++) uneven += bench.all[index].events != events;
  uint64_t deliveries = latencies.count;
  double seconds = deliveries ? (double)(bench.latest_ns - start->at_ns) / 1e9 : 0;
  printf("{\"expected\": %llu, \"deliveries\": %llu, \"uneven_streams\": %d, \"closed\": %d, "
         "\"bursts\": %d, \"trigger_status\": %d, \"seconds\": %.6f, \"began_ns\": %llu, "
         "\"latest_ns\": %llu, \"p50_ms\": %.4f, "
         "\"p99_ms\": %.4f, \"max_ms\": %.4f, \"gap_p50_ms\": %.4f, \"gap_p99_ms\": %.4f, "
         "\"bytes\": %llu, \"reads\": %llu, \"client_cpu\": %.4f}\n",
         (unsigned long long)(events * (uint64_t)bench.streams), (unsigned long long)deliveries,
         uneven, bench.closed, bursts, status, seconds, (unsigned long long)start->at_ns,
         (unsigned long long)bench.latest_ns, percentile_ms(&latencies, 0.50),
         percentile_ms(&latencies, 0.99), percentile_ms(&latencies, 1.0),
         percentile_ms(&gaps, 0.50), percentile_ms(&gaps, 0.99),
         (unsigned long long)(bench.bytes - start->bytes),
         (unsigned long long)(bench.reads - start->reads), share);
  fflush(stdout);
}

/* Sees one burst through; `trigger` is open afterwards if its answer has not come. */
static void burst(Connection *trigger, uint64_t expected, uint64_t deadline) {
  begin(trigger);
  while (latencies.count < expected && bench.closed < bench.streams && now_ns() < deadline) {
    turn(100);
    if (trigger->status && trigger->status != 200) break;
  }
}

/* Waits for the answer to the trigger until the deadline; then it is forgotten. */
static void end_trigger(Connection *trigger, uint64_t deadline) {
  while (!trigger->status && trigger->phase != CLOSED && now_ns() < deadline) turn(10);
  if (trigger->phase != CLOSED) close(trigger->fd);
  free(trigger->head);
}

static void look_for_more(void) {
  uint64_t quiet = now_ns() + AFTER_THE_LAST_NS;
  while (now_ns() < quiet) turn(10);
}

static void run(uint64_t events, double timeout, double repeat_seconds) {
  forget_counts();
  Mark start = mark();
  uint64_t until = start.at_ns + (uint64_t)(repeat_seconds * 1e9), deadline, each, latest;
  int bursts = 0, status;
  double share;
  each = events * (uint64_t)bench.streams;
  do {
    Connection trigger = {.trigger = true};
    deadline = now_ns() + (uint64_t)(timeout * 1e9);
    burst(&trigger, each * (uint64_t)++bursts, deadline);
    share = core_share_since(&start);
    latest = bench.latest_ns;
    end_trigger(&trigger, deadline);
    status = trigger.status;
  } while (now_ns() < until && status == 200 && latencies.count == each * (uint64_t)bursts);
  look_for_more();
  if (latencies.count == each * (uint64_t)bursts) bench.latest_ns = latest;
  report(&start, events * (uint64_t)bursts, bursts, status, share);
}

/* Counts what somebody else makes the server send. */
static void watch_only(uint64_t events, double timeout) {
  forget_counts();
  Mark start = mark();
  uint64_t deadline = start.at_ns + (uint64_t)(timeout * 1e9);
  uint64_t expected = events * (uint64_t)bench.streams;
  printf("{\"watching\": true}\n");
  fflush(stdout);
  while (latencies.count < expected && bench.closed < bench.streams && now_ns() < deadline)
    turn(100);
  double share = core_share_since(&start);
  uint64_t latest = bench.latest_ns;
  look_for_more();
  if (latencies.count == expected) bench.latest_ns = latest;
  report(&start, events, 0, 0, share);
}

/* Says whether the line was a command that it knows. */
static bool obey(const char *line) {
  static char path[PATH_LIMIT];
  unsigned long long events;
  double timeout, seconds;
  bench.trigger_path = path;
  if (sscanf(line, "repeat %llu %lf %899s %lf", &events, &timeout, path, &seconds) == 4) {
    run(events, timeout, seconds);
    return true;
  }
  if (sscanf(line, "watch %llu %lf", &events, &timeout) == 2) {
    watch_only(events, timeout);
    return true;
  }
  if (sscanf(line, "gaps %llu %lf %899s", &events, &timeout, path) == 3) {
    bench.wants_gaps = true;
    run(events, timeout, 0);
    bench.wants_gaps = false;
    return true;
  }
  if (sscanf(line, "run %llu %lf %899s", &events, &timeout, path) != 3) return false;
  run(events, timeout, 0);
  return true;
}

int main(int count, char **arguments) {
  if (count != 5 && count != 6) {
    fprintf(stderr, "Usage: streams PORT PATH STREAMS OPEN_TIMEOUT_SECONDS [AT_ONCE]\n");
    return 2;
  }
  bench.port = (uint16_t)atoi(arguments[1]);
  bench.stream_path = arguments[2];
  bench.streams = atoi(arguments[3]);
  bench.at_once = count == 6 ? atoi(arguments[5]) : 64;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  bench.epoll = epoll_create1(EPOLL_CLOEXEC);
  bench.all = calloc((size_t)bench.streams, sizeof *bench.all);
  if (bench.epoll < 0 || !bench.all) die("start");
  open_all(atof(arguments[4]));
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(bench.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &commands)) die("stdin must be a pipe");
  for (;;) {
    if (!turn(1000)) continue;
    char line[1024];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0) return 0;
    line[length] = 0;
    if (!obey(line)) return 0;
  }
}
