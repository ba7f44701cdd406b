// Loaded into a process with `node --import`: fills its heap bit by bit, until the process dies of it, wherever it happens to be.
const leaked: number[][] = []

const numbersPerBite = 60_000
const biteIntervalMs = 250

setInterval(
  () => leaked.push(Array.from({ length: numbersPerBite }, (_, index) => index + leaked.length)),
  biteIntervalMs,
).unref()
