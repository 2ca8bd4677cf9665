#!/bin/sh
# Installs Splink 5 and recordlinkage from PyPI into a folder of their own, and measures them beside nayose.
# benches/peers/run.sh DATA_FOLDER [SET ...]    NAYOSE names another binary than target/release/nayose.
# A set may be a fresh draw, KIND:RECORDS:SEED[:NOISE]: run.sh - japanese:20000:7 western:20000:7:2.5
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${PEERS_VENV:-$here/../../target/peers}
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'splink>=5,<6' recordlinkage
fi
exec "$venv/bin/python" "$here/run.py" "$@"
