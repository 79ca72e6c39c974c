/**
 * What the process itself costs: memory, processor time, event-loop lag. Names are those of prom-client.
 * Rule: measured when somebody asks, and at no other time.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Clock, Effect, Metric } from "effect"

const residentMemory = Metric.gauge("process_resident_memory_bytes", {
  description: "Resident memory size in bytes"
})
const cpuSeconds = Metric.counter("process_cpu_seconds_total", {
  description: "User and system processor time in seconds",
  incremental: true
})
const startTime = Metric.gauge("process_start_time_seconds", {
  description: "When the process started, in seconds since the epoch"
})
const heapTotal = Metric.gauge("nodejs_heap_size_total_bytes", { description: "Size of the heap in bytes" })
const heapUsed = Metric.gauge("nodejs_heap_size_used_bytes", { description: "Used heap in bytes" })
const externalMemory = Metric.gauge("nodejs_external_memory_bytes", {
  description: "Memory outside of the heap in bytes"
})
const lagMean = Metric.gauge("nodejs_eventloop_lag_mean_seconds", {
  description: "Mean event-loop lag since the last scrape"
})
const lagP99 = Metric.gauge("nodejs_eventloop_lag_p99_seconds", {
  description: "99th percentile of the event-loop lag since the last scrape"
})
const lagMax = Metric.gauge("nodejs_eventloop_lag_max_seconds", {
  description: "Longest event-loop lag since the last scrape"
})

/** Milliseconds between two measurements of the lag: each wakes the process, and at rest nothing else does. */
const resolution = 250

/** Starts to watch the event loop for as long as the scope is open; the effect it gives takes a measurement. */
export const make = Effect.gen(function* () {
  const delay = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )

  /** The histogram counts nanoseconds from timer to timer, the timer's own time included. */
  const lag = (nanos: number): number => (delay.count === 0 ? 0 : Math.max(0, nanos / 1e9 - resolution / 1e3))

  return Effect.gen(function* () {
    const memory = process.memoryUsage()
    yield* Metric.update(residentMemory, memory.rss)
    yield* Metric.update(heapTotal, memory.heapTotal)
    yield* Metric.update(heapUsed, memory.heapUsed)
    yield* Metric.update(externalMemory, memory.external)

    const { user, system } = process.cpuUsage()
    const counted = yield* Metric.value(cpuSeconds)
    yield* Metric.update(cpuSeconds, Math.max(0, (user + system) / 1e6 - counted.count))

    const now = yield* Clock.currentTimeMillis
    const started = yield* Metric.value(startTime)
    // Once: two readings of two clocks would let it wander, and look like restarts.
    if (started.value === 0) yield* Metric.update(startTime, Math.round(now / 1e3 - process.uptime()))

    yield* Metric.update(lagMean, lag(delay.mean))
    yield* Metric.update(lagP99, lag(delay.percentile(99)))
    yield* Metric.update(lagMax, lag(delay.max))
    delay.reset()
  })
})
