import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { download, isFetched, type Download } from '../../src/stack/download.ts'
import { rejection } from './support/error.ts'
import { temporaryFolder } from './support/folder.ts'

const content = randomBytes(300_000)

/** Serves the requests of one test; resolves with what has to be fetched from there. */
const wanted = async (listener: RequestListener): Promise<Download> => {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/a/file.jar`,
    file: join(temporaryFolder(), 'a', 'file.jar'),
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  }
}

/** A server that knows ranges; `cutAfter` ends the first answer early. */
const serving =
  (asked: (string | undefined)[], cutAfter?: number): RequestListener =>
  (request, response) => {
    asked.push(request.headers.range)
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from })
    if (cutAfter === undefined || asked.length > 1) {
      response.end(content.subarray(from))
      return
    }
    response.write(content.subarray(0, cutAfter), () => response.destroy())
  }

it('fetches a file, and counts its bytes', async () => {
  const file = await wanted(serving([]))
  let bytes = 0
  expect(isFetched(file)).toBe(false)
  await download(file, { onBytes: count => (bytes += count) })
  expect(isFetched(file)).toBe(true)
  expect(readFileSync(file.file).equals(content)).toBe(true)
  expect(bytes).toBe(content.length)
})

it('goes on where an interrupted download ended', async () => {
  const asked: (string | undefined)[] = []
  const file = await wanted(serving(asked))
  await download(file)
  writeFileSync(`${file.file}.part`, content.subarray(0, 100_000))
  let bytes = 0
  await download(file, { onBytes: count => (bytes += count) })
  expect(asked).toEqual([undefined, 'bytes=100000-'])
  expect(bytes).toBe(content.length)
  expect(readFileSync(file.file).equals(content)).toBe(true)
})

it('goes on by itself when the connection breaks', async () => {
  const asked: (string | undefined)[] = []
  const file = await wanted(serving(asked, 120_000))
  let bytes = 0
  await download(file, { onBytes: count => (bytes += count) })
  expect(asked.length).toBe(2)
  expect(bytes).toBe(content.length)
  expect(readFileSync(file.file).equals(content)).toBe(true)
})

it('begins anew when the server knows no ranges', async () => {
  const file = await wanted((_request, response) => response.end(content))
  await download(file)
  writeFileSync(`${file.file}.part`, randomBytes(1_000))
  await download(file)
  expect(readFileSync(file.file).equals(content)).toBe(true)
})

it('refuses a file with other content, and leaves none', async () => {
  let requests = 0
  const file = await wanted((_request, response) => {
    requests += 1
    response.end(Buffer.concat([content.subarray(1), Buffer.from('x')]))
  })
  const error = await rejection(download(file))
  expect(error.code).toBe('SLUICE_STACK_CORRUPT_DOWNLOAD')
  expect(error.message).toContain(file.url)
  expect(error.message).toContain(file.sha256)
  expect(error.remedy).toContain('SLUICE_MAVEN_BASE_URL')
  expect(requests).toBe(3)
  expect(existsSync(file.file)).toBe(false)
  expect(existsSync(`${file.file}.part`)).toBe(false)
})

it('says what the server answered', async () => {
  const file = await wanted((_request, response) => response.writeHead(404).end())
  const error = await rejection(download(file))
  expect(error.code).toBe('SLUICE_STACK_DOWNLOAD')
  expect(error.message).toContain('404')
})

it('ends when aborted', async () => {
  const controller = new AbortController()
  const file = await wanted((_request, response) => {
    response.writeHead(200, { 'content-length': content.length })
    response.write(content.subarray(0, 10), () => controller.abort(new Error('enough')))
  })
  await expect(download(file, { signal: controller.signal })).rejects.toThrow('enough')
  expect(existsSync(file.file)).toBe(false)
})
