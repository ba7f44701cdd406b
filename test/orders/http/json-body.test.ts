import { describe, expect, test } from 'vitest'
import { parseJsonBody } from '../../../src/orders/http/json-body.ts'

const parse = (text: string) => parseJsonBody(Buffer.from(text))

describe('parseJsonBody', () => {
  test('reads JSON', () => {
    expect(parse('{"a":[1,"é"]}')).toEqual({ ok: true, value: { a: [1, 'é'] } })
  })

  test.each([
    ['nothing', ''],
    ['half an object', '{"a":'],
    ['a trailing comma', '{"a":1,}'],
    ['two values', '{} {}'],
    ['a bare word', 'order'],
  ])('refuses %s', (_name, text) => {
    expect(parse(text)).toMatchObject({ ok: false, faults: [] })
  })

  test('refuses bytes that are not UTF-8', () => {
    expect(parseJsonBody(Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({
      ok: false,
      detail: 'the body is not valid UTF-8',
    })
  })

  test('the detail never repeats what was sent', () => {
    const body = parse('{"secret-card-number": 4111 1111}')
    expect(body.ok ? '' : body.detail).not.toMatch(/secret|4111/)
  })

  test.each([
    ['{"__proto__":{"polluted":1}}', '#/__proto__'],
    ['{"lines":[{"constructor":{"prototype":{}}}]}', '#/lines/0/constructor'],
    ['{"\\u005f\\u005fproto__":1}', '#/__proto__'],
    ['{"a~/b":{"prototype":1}}', '#/a~0~1b/prototype'],
  ])('names the forbidden key of %s', (text, pointer) => {
    const body = parse(text)
    expect(body.ok ? [] : body.faults.map(fault => fault.pointer)).toContain(pointer)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  test('a string that spells a forbidden key is only a string', () => {
    expect(parse('{"a":"__proto__"}')).toEqual({ ok: true, value: { a: '__proto__' } })
  })

  test('depth does not matter', () => {
    expect(parse('['.repeat(100_000) + ']'.repeat(100_000)).ok).toBe(true)
    const deep = parse('{"__proto__":'.repeat(30_000) + '1' + '}'.repeat(30_000))
    expect(deep.ok ? [] : deep.faults).toHaveLength(100)
  })
})
