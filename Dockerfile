# TwinTrack's images (docs/container.md):
#   docker build --tag twintrack .                                        the program
#   docker build --tag twintrack-panorama --target grand-challenge --build-arg TASK=panorama .
# Everything that happens inside stands in scripts/, where it is also tested without a container engine
# (scripts/container-root).

FROM debian:12 AS build
WORKDIR /source
COPY scripts/setup scripts/setup
RUN scripts/setup --no-training
COPY . .
RUN scripts/container-build /package

FROM debian:12-slim AS runtime
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="TwinTrack" \
      org.opencontainers.image.description="Calibrated segmentation of pancreatic cancer on contrast-enhanced CT. Research use only." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="debian:12-slim" \
      intended-use="Research use only. Not a medical device and not for diagnosis."
RUN --mount=type=bind,from=build,source=/package,target=/package \
    --mount=type=bind,source=scripts/container-install,target=/container-install \
    /container-install /package/twintrack.deb
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["twintrack"]
CMD ["--help"]
HEALTHCHECK --interval=5m --timeout=10s CMD ["twintrack", "--version"]

# An algorithm of grand-challenge.org: the platform starts it without arguments and unpacks its model in /opt/ml/model.
FROM runtime AS grand-challenge
ARG TASK=curvas-pdacvi
ENV TWINTRACK_TASK=${TASK}
CMD ["grand-challenge"]

FROM runtime
