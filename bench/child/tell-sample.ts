/** For the child: does the work and tells the parent. Peak memory as the kernel counts it. */
export async function tellSample(work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  await work()
  const ms = performance.now() - startedAt
  process.stdout.write(JSON.stringify({ ms, megabytes: process.resourceUsage().maxRSS / 1024 }))
}
