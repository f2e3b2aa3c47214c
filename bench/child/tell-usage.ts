/** For a process whose whole time is measured: its processor time so far, in microseconds. */
export function tellUsage(): void {
  const { user, system } = process.cpuUsage()
  process.stdout.write(String(user + system))
}
