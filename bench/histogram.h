/* Latencies in buckets that are 1/128 of their value wide: noting one costs a few instructions. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };

typedef struct {
  uint64_t count;
  uint64_t buckets[BUCKETS];
} Histogram;

static inline void note_latency(Histogram *histogram, uint64_t ns) {
  histogram->count++;
  if (ns < SUB) {
    histogram->buckets[ns]++;
    return;
  }
  int power = 63 - __builtin_clzll(ns);
  uint64_t within = (ns >> (power - SUB_BITS)) - SUB;
  histogram->buckets[(uint64_t)(power - SUB_BITS + 1) * SUB + within]++;
}

static inline double bucket_middle_ns(int bucket) {
  if (bucket < SUB) return bucket;
  int shift = bucket / SUB - 1;
  return ((double)(bucket % SUB + SUB) + 0.5) * (double)(1ull << shift);
}

/* The latency that the share (0 to 1) of all latencies do not exceed; 0 if there are none. */
static inline double percentile_ms(const Histogram *histogram, double share) {
  uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += histogram->buckets[bucket];
    if (seen > wanted || (seen == histogram->count && seen > 0))
      return bucket_middle_ns(bucket) / 1e6;
  }
  return 0;
}

#endif
