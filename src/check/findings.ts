import type { InvariantId, InvariantResult, Subject, Violation } from './types.ts'

const keptViolations = 20

/**
 * Collects what one invariant compared and found. Each `expect` counts as one comparison, whatever its outcome.
 *
 * @example findings.expect(row !== undefined, { orderId }, () => 'no row in orders')
 */
export class Findings {
  private readonly id: InvariantId
  private readonly title: string
  private readonly violations: Violation[] = []
  private violationCount = 0
  private compared = 0

  constructor(id: InvariantId, title: string) {
    this.id = id
    this.title = title
  }

  expect(holds: boolean, subject: Subject, message: () => string): void {
    this.compared += 1
    if (holds) return
    this.violationCount += 1
    if (this.violations.length < keptViolations) this.violations.push({ subject, message: message() })
  }

  result(): InvariantResult {
    return {
      id: this.id,
      title: this.title,
      compared: this.compared,
      violations: this.violations,
      violationCount: this.violationCount,
      ok: this.compared > 0 && this.violationCount === 0,
    }
  }
}
