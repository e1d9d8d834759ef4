# syntax=docker/dockerfile:1
# The signing agent. From the root of the repository: docker build -f deploy/smartsign.Dockerfile -t smartsign .

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package smartsign \
    && install -D target/release/smartsign /out/smartsign

FROM debian:bookworm-slim
# The authorities that the gateway's certificate is checked against. Nothing else is needed beside the C library.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10002 --no-create-home --shell /usr/sbin/nologin smartsign \
    && install -d -o 10002 -g 10002 -m 0700 /var/lib/smartsign
COPY --from=build /out/smartsign /usr/bin/smartsign
COPY config/smartsign.toml /etc/smartsign/smartsign.toml
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/smartsign/

# Inside a container, its own loopback is nobody's: the API listens to the network around it, and therefore asks for a key, which must be
# given as SMARTSIGN__API__KEYS. The licence is put into the volume by the API.
ENV SMARTSIGN__STORAGE__PATH=/var/lib/smartsign/store \
    SMARTSIGN__API__ADDRESS=0.0.0.0:8090

# A number, so that orchestrators can see that it is not root.
USER 10002:10002
# The only place that is written to: the root file system may be read-only.
VOLUME /var/lib/smartsign
# 8090 is the integrator's API; 8091 is listened on only where the gateway pushes.
EXPOSE 8090 8091
STOPSIGNAL SIGTERM
# Unlocking takes some hundredth of a second for each key.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["smartsign", "probe"]
ENTRYPOINT ["smartsign"]
CMD ["serve", "--config", "/etc/smartsign/smartsign.toml"]
