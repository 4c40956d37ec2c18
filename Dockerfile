# A small image with nothing but Python and tlsresume, that runs as an ordinary user.
#
#   docker build -t tlsresume .
#   docker run --rm tlsresume probe example.com
#   docker run --rm -v "$PWD:/data" -u "$(id -u):$(id -g)" tlsresume save example.com

ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS build
COPY pyproject.toml README.md LICENSE /source/
COPY tlsresume /source/tlsresume
COPY man /source/man
COPY completions /source/completions
RUN python -m venv /opt/tlsresume \
 && /opt/tlsresume/bin/pip install --no-cache-dir --disable-pip-version-check /source \
 && /opt/tlsresume/bin/pip uninstall --yes pip \
 && find /opt/tlsresume -name __pycache__ -type d -prune -exec rm -rf {} + \
 && /opt/tlsresume/bin/python -m compileall -q /opt/tlsresume/lib

FROM python:${PYTHON}
# The certificates that servers are verified against.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent tlsresume \
 && mkdir /data && chown tlsresume /data
COPY --from=build /opt/tlsresume /opt/tlsresume
USER 10001
WORKDIR /data
ENV PATH=/opt/tlsresume/bin:$PATH PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["tlsresume"]
CMD ["--help"]
