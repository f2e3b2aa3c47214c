/** For the child: does the work and tells the parent. Peak memory as the kernel counts it. */
export async function tellSample(work: () => Promise<void>): Promise<void> {
  const usedBefore = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(usedBefore)
  const cpuMs = (user + system) / 1000
  process.stdout.write(JSON.stringify({ ms, cpuMs, megabytes: process.resourceUsage().maxRSS / 1024 }))
}
