# hemotk in a container, for CI. Made in the repository:
#   docker build -t hemotk .                       bench, predict and info: what a gate needs
#   docker build -t hemotk --build-arg EXTRAS=[train] .   training, pruning and export too
# Used with the current folder as the place of work, as the one who owns it:
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" hemotk bench bundles/first --github
FROM python:3.12-slim-bookworm AS build
ARG EXTRAS=
WORKDIR /source
COPY . .
RUN python -m venv /opt/hemotk \
    && /opt/hemotk/bin/python -m pip install --no-cache-dir --constraint constraints.txt ".${EXTRAS}"

FROM python:3.12-slim-bookworm
COPY --from=build /opt/hemotk /opt/hemotk
ENV PATH=/opt/hemotk/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/tmp MPLCONFIGDIR=/tmp
# Nobody's rights: the folder that is mounted belongs to whom --user names.
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["hemotk"]
CMD ["--help"]
