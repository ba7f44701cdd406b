/** What becomes of a part of a topology when one version takes another's place. */
export type Fate =
  /** Goes on with what it has. */
  | 'survives'
  /** Was not there. */
  | 'new'
  /** Goes on, differently. */
  | 'changed'
  /** Is no longer there, and leaves nothing behind. */
  | 'gone'
  /** Is no longer there, but what it kept still is. */
  | 'orphaned'
  /** Cannot go on with what it has. */
  | 'incompatible'

export interface Finding {
  readonly fate: Fate
  readonly subject: 'topology' | 'store' | 'topic' | 'node'
  readonly name: string
  /** What differs; empty where nothing does. */
  readonly what: string
  /** What to do, or what to know. */
  readonly advice: string | null
  /** Whether the new version must not simply be started. */
  readonly needsAction: boolean
}

/** A finding that needs nothing done. */
export const note = (
  fate: Fate,
  subject: Finding['subject'],
  name: string,
  what = '',
  advice: string | null = null,
): Finding => ({ fate, subject, name, what, advice, needsAction: false })

/** A finding that needs something done before, or instead of, a start. */
export const demand = (
  fate: Fate,
  subject: Finding['subject'],
  name: string,
  what: string,
  advice: string,
): Finding => ({ fate, subject, name, what, advice, needsAction: true })
