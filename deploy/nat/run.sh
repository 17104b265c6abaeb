#!/usr/bin/env bash
# Builds the images, runs both parties until each has its verdict, shows what they say, and takes everything down. Exit 0 when both were content.
set -euo pipefail
cd "$(dirname "$0")"

trap 'docker compose down --volumes --timeout 5' EXIT
docker compose up --build --detach
alice=0
bob=0
docker compose wait alice || alice=$?
docker compose wait bob || bob=$?
docker compose logs --no-log-prefix alice bob
[ "$alice" = 0 ] && [ "$bob" = 0 ]
