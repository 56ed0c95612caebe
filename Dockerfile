# docker build -t REGISTRY/nightlift:0.1.0 .
# The same program and templates as the install without an image (deploy/no-image).
# A release gives its digest: --build-arg NODE_IMAGE=node:24-slim@sha256:… (docs/release.md).
ARG NODE_IMAGE=node:24-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Install scripts are not run: nothing that is bundled needs one, and ssh2's optional native parts stay out.
RUN npm ci --ignore-scripts --no-audit --no-fund && node node_modules/esbuild/install.js
COPY build.mjs tsconfig.json ./
COPY bin/require-node.cjs bin/
COPY src src
COPY templates templates
RUN node build.mjs

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NIGHTLIFT_TEMPLATES=/app/templates NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app
COPY --from=build /build/dist/nightlift.cjs /build/dist/nightlift.cdx.json /app/
COPY templates /app/templates
# Fills the compile cache: a third off the start of every Job. It is only read later, the root file system is read-only, and
# counts only for a Node with the same flags (src/install/node-flags.ts).
RUN node --max-semi-space-size=4 /app/nightlift.cjs --help >/dev/null
# A number, not a name: runAsNonRoot can only judge a number.
USER 65532:65532
ENTRYPOINT ["node", "--max-semi-space-size=4", "/app/nightlift.cjs"]
