/* Latencies of a client: a histogram whose buckets are 1/128 of their value wide. One a program. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "clock.h"

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };

static struct {
  uint64_t count;
  uint64_t buckets[BUCKETS];
} latencies;

static inline void note_latency(uint64_t ns) {
  latencies.count++;
  if (ns < SUB) {
    latencies.buckets[ns]++;
    return;
  }
  int power = 63 - __builtin_clzll(ns);
  uint64_t within = (ns >> (power - SUB_BITS)) - SUB;
  latencies.buckets[(uint64_t)(power - SUB_BITS + 1) * SUB + within]++;
}

static inline double bucket_middle_ns(int bucket) {
  if (bucket < SUB) return bucket;
  int shift = bucket / SUB - 1;
  return ((double)(bucket % SUB + SUB) + 0.5) * (double)(1ull << shift);
}

/* The latency below which this share of them lies; 0 if there is none. */
static inline double percentile_ms(double share) {
  uint64_t wanted = (uint64_t)(share * (double)latencies.count), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += latencies.buckets[bucket];
    if (seen > wanted || (seen == latencies.count && seen > 0))
      return bucket_middle_ns(bucket) / 1e6;
  }
  return 0;
}

#endif
