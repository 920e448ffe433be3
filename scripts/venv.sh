#!/bin/sh
# Makes .venv with the first Python of at least 3.11 that is found; $PYTHON, if set, is the only one tried.
# Debian and Ubuntu keep the venv module in a package of its own: root gets it here, others are told.
set -eu

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c "$new_enough" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "meshctl needs Python 3.11 or newer; none was found (tried: ${PYTHON:-python3, python3.11 to 3.14})." >&2
    echo "Name one with: make setup PYTHON=/path/to/python3" >&2
    return 1
}

python=$(find_python)

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"
    else
        echo "$python has no venv module. On Debian and Ubuntu, type this and run make again:" >&2
        echo "  sudo apt-get install -y $package" >&2
        exit 1
    fi
fi

# Half a venv would look like a whole one to make.
"$python" -m venv .venv || { rm -rf .venv; exit 1; }
