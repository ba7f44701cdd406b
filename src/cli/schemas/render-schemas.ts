import { requiredLevel } from '../../codec/subject-check.ts'
import { renderTable } from '../print.ts'
import type { SchemaReview } from './check-schemas.ts'
import type { ListedSubject } from './list-schemas.ts'
import type { Registration } from './register-schemas.ts'

/** A comparison as people read it; `against` are the folders that stood for a registry. */
export const renderReviews = (reviews: readonly SchemaReview[], against: readonly string[] = []): string => {
  const width = widthOf(reviews)
  const incompatible = reviews.filter(({ verdict }) => verdict === 'incompatible').length
  return [
    ...against.map((folder, index) => `version ${index + 1} is that of ${folder}`),
    ...reviews.flatMap(review => [
      `${review.subject.padEnd(width)}  ${verdictInWords(review, against.length === 0)}`,
      ...review.faults.flatMap(({ rule, message, remedy }) => [`  ${rule}: ${message}`, `    -> ${remedy}`]),
      ...levelNote(review),
    ]),
    incompatible === 0
      ? `${countOf(reviews)}: all compatible`
      : `${countOf(reviews)}: ${incompatible} incompatible`,
  ].join('\n')
}

/** What was registered and what was refused, as people read it. */
export const renderRegistrations = (registrations: readonly Registration[]): string => {
  const width = widthOf(registrations)
  return registrations
    .flatMap(registration => {
      const name = registration.subject.padEnd(width)
      if (registration.outcome === 'refused')
        return [
          `${name}  refused`,
          `  ${registration.message}`,
          ...(registration.remedy === undefined ? [] : [`    -> ${registration.remedy}`]),
        ]
      const { version, id, outcome } = registration
      return [`${name}  version ${version ?? '?'}, id ${id}${outcome === 'present' ? ' (was there)' : ''}`]
    })
    .join('\n')
}

/** What a registry holds, as a table. */
export const renderSubjects = (subjects: readonly ListedSubject[]): string =>
  renderTable(
    ['subject', 'versions (ids)', 'compatibility', 'this release'],
    subjects.map(({ subject, versions, level, verdict, current }) => [
      subject,
      versions.length === 0 ? '-' : versions.map(({ version, id }) => `${version} (${id})`).join(', '),
      level ?? '-',
      verdict === undefined ? '-' : current === undefined || verdict === 'incompatible' ? verdict : current,
    ]),
  )

const verdictInWords = ({ verdict, version, id, versions }: SchemaReview, withId: boolean): string => {
  switch (verdict) {
    case 'equal':
      return `equal to version ${version}${withId ? ` (id ${id})` : ''}`
    case 'new':
      return 'no version yet'
    case 'compatible':
      return `new version, compatible with ${versionsInWords(versions)}`
    case 'incompatible':
      return version === undefined ? 'incompatible' : `incompatible, although it is version ${version}`
  }
}

const levelNote = ({ level, versions }: SchemaReview): string[] =>
  versions.length === 0 || level === requiredLevel
    ? []
    : [
        `  its level is ${level ?? "the registry's own default"}: \`sluice schemas register\` sets ${requiredLevel}`,
      ]

const versionsInWords = (versions: readonly number[]): string =>
  versions.length === 1 ? `version ${versions[0]}` : `versions ${versions.join(', ')}`

const countOf = (reviews: readonly unknown[]): string =>
  reviews.length === 1 ? '1 schema' : `${reviews.length} schemas`

const widthOf = (lines: readonly { readonly subject: string }[]): number =>
  Math.max(0, ...lines.map(({ subject }) => subject.length))
