#!/bin/sh
# Puts the YAML language server that editors use into .venv/editor, for the tests of the published schema.
set -eu

if ! command -v npm >/dev/null; then
    echo "npm was not found, and the tests of the editor's schema will fail. Get Node.js 18 or newer with npm, on" >&2
    echo "Debian and Ubuntu: sudo apt-get install nodejs npm; then: make setup" >&2
    exit
fi

# Half an installation would look like a whole one.
rm -rf .venv/editor
mkdir -p .venv/editor
trap 'rm -rf .venv/editor' EXIT
cp tests/editor/package.json tests/editor/package-lock.json .venv/editor
npm ci --prefix .venv/editor --ignore-scripts --no-audit --no-fund --loglevel=error
trap - EXIT
touch .venv/editor/stamp
