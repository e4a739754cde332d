/* Times that a client has measured, in a histogram whose buckets are 1/128 of their value wide. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "clock.h"

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };

typedef struct {
  uint64_t count;
  uint64_t buckets[BUCKETS];
} Times;

static inline void note_time(Times *times, uint64_t ns) {
  times->count++;
  if (ns < SUB) {
    times->buckets[ns]++;
    return;
  }
  int power = 63 - __builtin_clzll(ns);
  uint64_t within = (ns >> (power - SUB_BITS)) - SUB;
  times->buckets[(uint64_t)(power - SUB_BITS + 1) * SUB + within]++;
}

static inline double bucket_middle_ns(int bucket) {
  if (bucket < SUB) return bucket;
  int shift = bucket / SUB - 1;
  return ((double)(bucket % SUB + SUB) + 0.5) * (double)(1ull << shift);
}

/* The time below which this share of them lies; 0 if there is none. */
static inline double percentile_ms(const Times *times, double share) {
  uint64_t wanted = (uint64_t)(share * (double)times->count), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += times->buckets[bucket];
    if (seen > wanted || (seen == times->count && seen > 0))
      return bucket_middle_ns(bucket) / 1e6;
  }
  return 0;
}

#endif
