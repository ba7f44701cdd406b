import { setGlobalProxyFromEnv } from 'node:http'

/** The usual variables that name a proxy, in both spellings. */
export type ProxyEnvironment = Readonly<
  Partial<
    Record<'HTTP_PROXY' | 'HTTPS_PROXY' | 'NO_PROXY' | 'http_proxy' | 'https_proxy' | 'no_proxy', string>
  >
>

/** Runs `action` with `fetch` going through the proxy that the environment names, if it names one. */
export const withProxy = async <T>(environment: ProxyEnvironment, action: () => Promise<T>): Promise<T> => {
  const https = environment.https_proxy ?? environment.HTTPS_PROXY
  const http = environment.http_proxy ?? environment.HTTP_PROXY
  if (!https && !http) return action()
  const restore = setGlobalProxyFromEnv({
    ...(http ? { http_proxy: http } : {}),
    ...(https ? { https_proxy: https } : {}),
    no_proxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
  })
  try {
    return await action()
  } finally {
    restore()
  }
}
