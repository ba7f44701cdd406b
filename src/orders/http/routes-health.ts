import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import type { Registry } from 'prom-client'
import { SluiceError } from '../../core/errors.ts'
import { healthAnswer } from './answers.ts'

export interface HealthRoutes {
  /** Each resolves when its server answers. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>
  readonly registry: Registry
  /** A check that takes longer counts as failed. */
  readonly timeoutMs: number
  /** True once a graceful stop has begun. */
  readonly stopping: () => boolean
}

const withDeadline = async (work: Promise<void>, timeoutMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  try {
    await Promise.race([
      work,
      new Promise<void>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** `/livez` (the process runs), `/readyz` (its servers answer), `/startupz` (they have answered once), `/metrics`. */
export const healthRoutes =
  ({ checks, registry, timeoutMs, stopping }: HealthRoutes): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    let started = false

    const inspect = async () => {
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => {
          try {
            await withDeadline(check(), timeoutMs)
            return [name, 'ok'] as const
          } catch (error) {
            return [name, error instanceof SluiceError ? error.code : 'no answer'] as const
          }
        }),
      )
      const ok = !stopping() && results.every(([, result]) => result === 'ok')
      started ||= ok
      return {
        ok,
        answer: {
          status: ok ? ('ok' as const) : ('unavailable' as const),
          checks: { ...Object.fromEntries(results), ...(stopping() ? { service: 'stopping' } : {}) },
        },
      }
    }

    const schema = (summary: string) => ({
      summary,
      tags: ['operations'],
      response: { 200: healthAnswer, 503: healthAnswer },
    })
    app.get('/livez', { schema: schema('The process runs') }, async () => ({ status: 'ok' as const }))
    app.get('/readyz', { schema: schema('Postgres and Cassandra answer') }, async (_request, reply) => {
      const { ok, answer } = await inspect()
      if (!ok) reply.header('retry-after', 1)
      return reply.code(ok ? 200 : 503).send(answer)
    })
    app.get(
      '/startupz',
      { schema: schema('Postgres and Cassandra have answered once') },
      async (_request, reply) => {
        const { ok, answer } = started ? { ok: true, answer: { status: 'ok' as const } } : await inspect()
        if (!ok) reply.header('retry-after', 1)
        return reply.code(ok ? 200 : 503).send(answer)
      },
    )
    app.get(
      '/metrics',
      {
        schema: {
          summary: 'Counters and histograms, in the text format of Prometheus',
          tags: ['operations'],
        },
      },
      async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
    )
    done()
  }
