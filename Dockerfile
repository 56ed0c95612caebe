# docker build -t REGISTRY/nightlift:0.1.0 .
# The same program and templates as the install without an image (deploy/no-image).
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Install scripts are not run: nothing that is bundled needs one, and ssh2's optional native parts stay out.
RUN npm ci --ignore-scripts --no-audit --no-fund && node node_modules/esbuild/install.js
COPY build.mjs tsconfig.json ./
COPY bin/require-node.cjs bin/
COPY src src
COPY templates templates
RUN node build.mjs

FROM node:24-slim
ENV NODE_ENV=production NIGHTLIFT_TEMPLATES=/app/templates NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app
COPY --from=build /build/dist/nightlift.cjs /app/nightlift.cjs
COPY templates /app/templates
# Fills the compile cache: a third off the start of every Job. It is only read later, the root file system is read-only.
RUN node /app/nightlift.cjs --help >/dev/null
# A number, not a name: runAsNonRoot can only judge a number.
USER 65532:65532
ENTRYPOINT ["node", "/app/nightlift.cjs"]
