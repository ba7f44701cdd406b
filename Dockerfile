# The application's image: every process of it (API, relay, worker, migrations) is one command of the CLI.
FROM node:24.21.0-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has the right Node already, and the servers are other containers.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY schemas schemas
COPY topology topology
COPY src src
USER node
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["--help"]
